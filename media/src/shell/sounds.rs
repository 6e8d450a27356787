//! Sounds for the person at the device: ring tones, tones for messages. They play beside all calls,
//! and no peer hears them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use offhook_fsm::Instant;
use rtrb::Consumer;

use super::player::{Fed, Player};

/// Sounds at once; one more is not played.
pub(super) const SOUNDS_MAX: usize = 8;
/// How long the device stays open after a sound: it has not played all that it took.
const LINGER: Duration = Duration::from_millis(300);

struct Sound {
    file: PathBuf,
    /// It begins anew so long after its end.
    pause: Option<Duration>,
    /// Gone once all of the file is in the ring.
    player: Option<Player>,
    /// It was heard to its end; then it begins anew, or is over.
    then: Option<Instant>,
}

/// What the audio thread is to do.
pub(super) enum Act {
    Play(u64, Consumer<i16>),
    Stop(u64),
}

/// The sounds that play.
pub(super) struct Sounds {
    playing: BTreeMap<u64, Sound>,
    /// In percent.
    volume: u8,
}

impl Sounds {
    /// None, of a volume of 0–100 percent.
    pub(super) const fn new(volume: u8) -> Self {
        Self { playing: BTreeMap::new(), volume }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.playing.is_empty()
    }

    /// Begins a sound, unless one of that number plays.
    pub(super) fn play(&mut self, id: u64, file: PathBuf, pause: Option<Duration>) -> Option<Act> {
        if self.playing.contains_key(&id) || self.playing.len() >= SOUNDS_MAX {
            return None;
        }
        let (player, ring) = Player::open(&file, self.volume)
            .inspect_err(|reason| log::warn!("no sound: {reason}"))
            .ok()?;
        self.playing.insert(id, Sound { file, pause, player: Some(player), then: None });
        Some(Act::Play(id, ring))
    }

    pub(super) fn stop(&mut self, id: u64) -> Option<Act> {
        self.playing.remove(&id).map(|_| Act::Stop(id))
    }

    /// One was heard to its end.
    pub(super) fn over(&mut self, id: u64, now: Instant) {
        if let Some(sound) = self.playing.get_mut(&id) {
            sound.then = Some(now + sound.pause.unwrap_or(LINGER));
        }
    }

    /// Reads the files on, and begins anew what is to begin anew.
    pub(super) fn serve(&mut self, now: Instant) -> Vec<Act> {
        let (mut acts, volume) = (Vec::new(), self.volume);
        self.playing.retain(|id, sound| match (sound.then, sound.pause) {
            (Some(then), _) if then > now => true,
            (Some(_), Some(_)) => match Player::open(&sound.file, volume) {
                Ok((player, ring)) => {
                    (sound.player, sound.then) = (Some(player), None);
                    acts.push(Act::Play(*id, ring));
                    true
                }
                Err(reason) => {
                    log::warn!("no sound: {reason}");
                    false
                }
            },
            (Some(_), None) => false,
            (None, _) => {
                if sound.player.as_mut().is_some_and(|player| player.feed() != Fed::More) {
                    sound.player = None;
                }
                true
            }
        });
        acts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn tone(name: &str) -> PathBuf {
        let file = std::env::temp_dir().join(format!("offhook-{}-{name}.wav", std::process::id()));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 8000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::create(&file, spec).unwrap();
        writer.write_sample(1000_i16).unwrap();
        writer.finalize().unwrap();
        file
    }

    #[test]
    fn a_ring_tone_begins_anew_when_its_pause_is_over_and_not_before() {
        let (mut sounds, file) = (Sounds::new(100), tone("again"));
        assert!(sounds.play(1, file.clone(), Some(Duration::from_secs(2))).is_some());
        assert!(sounds.serve(at(0)).is_empty());
        sounds.over(1, at(100));
        assert!(sounds.serve(at(2099)).is_empty());
        assert!(matches!(sounds.serve(at(2100))[..], [Act::Play(1, _)]));
        assert!(matches!(sounds.stop(1), Some(Act::Stop(1))) && sounds.is_empty());
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn a_tone_is_over_once_the_device_has_played_it() {
        let (mut sounds, file) = (Sounds::new(100), tone("once"));
        assert!(sounds.play(1, file.clone(), None).is_some());
        assert!(sounds.play(1, file.clone(), None).is_none(), "it plays already");
        sounds.over(1, at(100));
        assert!(sounds.serve(at(399)).is_empty() && !sounds.is_empty());
        assert!(sounds.serve(at(400)).is_empty() && sounds.is_empty());
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn no_more_sounds_play_at_once_than_there_is_room_for() {
        let (mut sounds, file) = (Sounds::new(100), tone("many"));
        let many = u64::try_from(SOUNDS_MAX).unwrap();
        assert!((0..many).all(|number| sounds.play(number, file.clone(), None).is_some()));
        assert!(sounds.play(many, file.clone(), None).is_none());
        std::fs::remove_file(file).unwrap();
    }
}
