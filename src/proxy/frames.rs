//! Where the frames of a WebSocket begin and end (RFC 6455 5.2), read as the bytes go by: a frame of ours may only stand between two of the app's.

/// The longest head of a frame: two bytes, eight of length, four of a mask.
const LONGEST_HEAD: usize = 14;

/// What came so far of one direction.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; LONGEST_HEAD],
    have: usize,
    /// Bytes of the payload that are still to come; only after a whole head.
    left: u64,
}

/// How a socket is closed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// The session is over: 1008, policy violation.
    Session,
    /// This node stops: 1001, going away. The page may connect again, and gets to another one.
    Node,
}

impl Close {
    /// The whole frame: unmasked, as from a server, with the code and one word.
    pub(super) const fn frame(self) -> &'static [u8] {
        match self {
            Self::Session => b"\x88\x0e\x03\xf0session over",
            Self::Node => b"\x88\x0c\x03\xe9going away",
        }
    }
}

impl Frames {
    pub(super) const fn new() -> Self {
        Self { head: [0; LONGEST_HEAD], have: 0, left: 0 }
    }

    /// Whether the last byte that went by was the last of a frame.
    pub(super) const fn is_between(&self) -> bool {
        self.have == 0 && self.left == 0
    }

    /// How many of these bytes belong to the frame that is under way: after them one of ours may stand.
    pub(super) fn rest_of_frame(&self, bytes: &[u8]) -> usize {
        let mut ahead = Self { ..*self };
        let mut passed = 0;
        for byte in bytes {
            if ahead.is_between() {
                return passed;
            }
            ahead.pass(std::slice::from_ref(byte));
            passed += 1;
        }
        passed
    }

    /// These bytes went by.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let payload = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= payload as u64;
                bytes = bytes.get(payload..).unwrap_or_default();
                continue;
            }
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            if let Some(length) = self.whole_head() {
                self.left = length;
                self.have = 0;
            }
        }
    }

    /// The length of the payload, once the head is whole.
    fn whole_head(&self) -> Option<u64> {
        let [_, second, rest @ ..] = &self.head;
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        let (extended, length) = match second & 0x7f {
            126 => (2, rest.iter().take(2).fold(0, |length, byte| length << 8 | u64::from(*byte))),
            127 => (8, rest.iter().take(8).fold(0, |length, byte| length << 8 | u64::from(*byte))),
            short => (0, u64::from(short)),
        };
        (self.have >= 2 + extended + mask).then_some(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(length: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match u16::try_from(length) {
            Ok(short) if short < 126 => frame.push(mask + u8::try_from(short).unwrap()),
            Ok(medium) => {
                frame.push(mask + 126);
                frame.extend(medium.to_be_bytes());
            }
            Err(_) => {
                frame.push(mask + 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        if masked {
            frame.extend([1, 2, 3, 4]);
        }
        frame.extend(std::iter::repeat_n(0x88, length));
        frame
    }

    #[test]
    fn our_frames_are_close_frames_with_a_code() {
        for (close, code) in [(Close::Session, 1008_u16), (Close::Node, 1001)] {
            let [first, length, payload @ ..] = close.frame() else { panic!() };
            assert_eq!((*first, usize::from(*length)), (0x88, payload.len()));
            assert_eq!(payload[..2], code.to_be_bytes());
            assert!(std::str::from_utf8(&payload[2..]).is_ok());
        }
    }

    proptest! {
        /// However the bytes are cut into pieces, a frame ends where it ends.
        #[test]
        fn a_frame_ends_where_it_ends(lengths in proptest::collection::vec((0_usize..70_000, any::<bool>()), 1..4), cut in 1_usize..9_000) {
            let mut frames = Frames::new();
            for (length, masked) in lengths {
                let bytes = frame(length, masked);
                let (last, others) = bytes.split_last().unwrap();
                for piece in others.chunks(cut) {
                    frames.pass(piece);
                    prop_assert!(!frames.is_between());
                }
                prop_assert_eq!(frames.rest_of_frame(&[*last, 0x81, 0]), 1);
                frames.pass(&[*last]);
                prop_assert!(frames.is_between());
            }
        }
    }
}
