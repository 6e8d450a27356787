//! Files over a session (RFC 5547).

use std::io;
use std::path::Path;

use offhook_fsm::session::Event;
use offhook_msrp::file::{Disposition, FileAttributes};
use offhook_msrp::file_selector::FileSelector;

use super::session::Session;
use crate::chat::FileWork;
use crate::error::SessionError;
use crate::negotiate::FileRole;
use crate::session::Order;

impl Session {
    /// Proposes to send a file to the peer, and gives the id of the transfer, which its
    /// notifications tell: `FileTransferHandlerDidInitialize`, `…DidStart`, `…Progress`, `…DidEnd`.
    /// Files go one after the other, each over a connection of its own. Before a file is proposed the
    /// session reads it once, for its SHA-256 and SHA-1, beside what else it does; from then on it
    /// must not change until it is through, or its transfer ends as an error.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is ESTABLISHED, [`SessionError::Local`] when the
    /// file cannot be read, [`SessionError::InvalidArgument`] when it is none, or is empty,
    /// [`SessionError::Busy`] when too many wait.
    pub fn send_file(&self, path: &Path) -> Result<String, SessionError> {
        // What the state refuses is not read.
        self.refused("send_file()", Event::Propose)?;
        let shown = path.display();
        let local =
            |error: io::Error| SessionError::Local(format!("send_file(): {shown}: {error}"));
        let metadata = std::fs::metadata(path).map_err(local)?;
        if !metadata.is_file() || metadata.len() == 0 {
            let text = format!("send_file(): {shown} is no file, or has nothing in it");
            return Err(SessionError::InvalidArgument(text));
        }
        let transfer_id = self.new_id();
        let file = FileAttributes {
            selector: FileSelector {
                name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
                media_type: Some("application/octet-stream".into()),
                size: Some(metadata.len()),
                hashes: Vec::new(),
            },
            transfer_id: transfer_id.clone(),
            disposition: Some(Disposition::Attachment),
            ..FileAttributes::default()
        };
        let place = path.into();
        let work = FileWork { role: FileRole::Sends, file, place, modified_us: None };
        self.order("send_file()", Event::Propose, Order::SendFile(Box::new(work)))?;
        Ok(transfer_id)
    }

    /// Takes the file that the peer proposes. It appears in `directory` once all of it is there and
    /// its hash is right, under its own name without any path, with a number where that name is
    /// taken: nothing is overwritten. Until then there is a file that ends in `.part`. What else is
    /// proposed with it is not taken. [`reject_proposal`](Self::reject_proposal) refuses it.
    ///
    /// # Errors
    /// [`SessionError::State`] unless the session is PROPOSED, [`SessionError::InvalidArgument`]
    /// when no file is proposed or `directory` is none.
    pub fn accept_file(&self, directory: &Path) -> Result<(), SessionError> {
        if !directory.is_dir() {
            let text = format!("accept_file(): {} is no directory", directory.display());
            return Err(SessionError::InvalidArgument(text));
        }
        let order = Order::AcceptFile(directory.into());
        self.order("accept_file()", Event::AcceptProposal, order)
    }

    /// Gives up the file that is on its way, whoever sends it.
    ///
    /// # Errors
    /// [`SessionError::InvalidArgument`] when none is.
    pub fn cancel_file(&self) -> Result<(), SessionError> {
        self.order("cancel_file()", Event::Remove, Order::CancelFile)
    }
}
