//! Pictures behind each other as one animated PNG (PNG, third edition, 11.3.4). The pictures are packed already: they are only put into other boxes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails in a test's own helpers fails the test")]

use flate2::Crc;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Each picture is shown for so many seconds, and after the last comes the first. All are of one size.
pub(crate) fn film(pictures: &[Vec<u8>], seconds: u16) -> Vec<u8> {
    let header = head(&pictures[0]);
    let mut film = SIGNATURE.to_vec();
    put(&mut film, *b"IHDR", &header);
    put(&mut film, *b"acTL", &[number(pictures.len()), 0].map(u32::to_be_bytes).concat());
    let mut sequence = 0_u32..;
    for (place, picture) in pictures.iter().enumerate() {
        assert_eq!(head(picture), header, "picture {place} is of another size or kind");
        // The whole size, at the corner, for so long; nothing of the picture before shows through.
        let mut control = sequence.next().unwrap().to_be_bytes().to_vec();
        control.extend(&header[..8]);
        control.extend([0; 8]);
        control.extend(seconds.to_be_bytes());
        control.extend(1_u16.to_be_bytes());
        control.extend([0, 0]);
        put(&mut film, *b"fcTL", &control);
        for (_, data) in boxes(picture).into_iter().filter(|(name, _)| name == b"IDAT") {
            match place {
                0 => put(&mut film, *b"IDAT", data),
                _ => put(&mut film, *b"fdAT", &[&sequence.next().unwrap().to_be_bytes(), data].concat()),
            }
        }
    }
    put(&mut film, *b"IEND", &[]);
    film
}

fn head(picture: &[u8]) -> Vec<u8> {
    let (name, data) = boxes(picture)[0];
    assert_eq!(&name, b"IHDR");
    data.to_vec()
}

/// Name and content of each.
fn boxes(picture: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut rest = picture.strip_prefix(SIGNATURE).unwrap();
    let mut boxes = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk() {
        let (name, more) = more.split_first_chunk().unwrap();
        let (data, more) = more.split_at(usize::try_from(u32::from_be_bytes(*length)).unwrap());
        boxes.push((*name, data));
        rest = &more[4..];
    }
    boxes
}

fn put(film: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    let mut check = Crc::new();
    check.update(&name);
    check.update(data);
    film.extend(number(data.len()).to_be_bytes());
    film.extend(name);
    film.extend(data);
    film.extend(check.sum().to_be_bytes());
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap()
}
