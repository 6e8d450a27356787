//! Fuzz targets of offhook.
