use super::*;

const NO_LIMIT: u64 = u64::MAX;

fn texts(pieces: &[Piece]) -> Vec<(u64, Stream, String)> {
    pieces
        .iter()
        .map(|piece| {
            let text = String::from_utf8_lossy(&piece.bytes).into_owned();
            (piece.number, piece.stream, text)
        })
        .collect()
}

fn take_all(outbox: &mut Outbox) -> Vec<Piece> {
    outbox.take(Instant::now(), usize::MAX)
}

#[test]
fn reads_of_one_stream_join_until_they_are_handed_out() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    outbox.push(Stream::Out, b"a", 1);
    outbox.push(Stream::Out, b"b", 2);
    outbox.push(Stream::Err, b"c", 3);
    let first = take_all(&mut outbox);
    assert_eq!(
        texts(&first),
        [(1, Stream::Out, "ab".into()), (2, Stream::Err, "c".into())]
    );
    outbox.push(Stream::Err, b"d", 4);
    assert_eq!(
        texts(&take_all(&mut outbox)),
        [(3, Stream::Err, "d".into())]
    );
}

#[test]
fn a_new_connection_gets_what_is_not_stored_unchanged() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    outbox.push(Stream::Out, b"a", 1);
    let first = take_all(&mut outbox);
    outbox.push(Stream::Out, b"b", 2);
    let second = take_all(&mut outbox);
    outbox.stored(1);
    outbox.rewind();
    outbox.push(Stream::Out, b"c", 3);
    assert_eq!(outbox.due(Instant::now()), Due::Now);
    let again = take_all(&mut outbox);
    assert_eq!(first[0].number, 1);
    assert_eq!(again[0], second[0]);
    assert_eq!(texts(&again[1..]), [(3, Stream::Out, "c".into())]);
    outbox.stored(3);
    outbox.rewind();
    assert!(outbox.all_sent());
}

#[test]
fn numbers_never_handed_out_are_not_stored() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    outbox.push(Stream::Out, b"a", 1);
    outbox.stored(9);
    assert_eq!(
        texts(&take_all(&mut outbox)),
        [(1, Stream::Out, "a".into())]
    );
}

#[test]
fn the_first_output_goes_at_once_and_little_more_waits() {
    let start = Instant::now();
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    assert_eq!(outbox.due(start), Due::Never);
    outbox.push(Stream::Out, b"a", 1);
    assert_eq!(outbox.due(start), Due::Now);
    outbox.take(start, usize::MAX);
    outbox.push(Stream::Out, b"b", 1);
    assert_eq!(outbox.due(start), Due::At(start + FLUSH_EVERY));
    assert_eq!(outbox.due(start + FLUSH_EVERY), Due::Now);
    outbox.push(Stream::Out, &[0; FLUSH_BYTES], 1);
    assert_eq!(outbox.due(start), Due::Now);
    outbox.take(start, usize::MAX);
    outbox.push(Stream::Out, b"end", 1);
    outbox.close(1);
    assert_eq!(outbox.due(start), Due::Now);
}

#[test]
fn batches_are_bounded() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    for _ in 0..4 {
        outbox.push(Stream::Out, &[0; CHUNK_BYTES], 1);
    }
    let batch = outbox.take(Instant::now(), 3 * CHUNK_BYTES);
    assert_eq!(batch.len(), 2);
    assert!(!outbox.all_sent());
}

#[test]
fn batches_of_tiny_pieces_are_bounded_too() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    for _ in 0..1000 {
        outbox.push(Stream::Out, b"o", 1);
        outbox.push(Stream::Err, b"e", 1);
    }
    let batch = outbox.take(Instant::now(), 100 * (1 + CHUNK_COST));
    assert_eq!(batch.len(), 100);
}

#[test]
fn pause_has_no_room_until_something_is_stored() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    let mut pushed = 0;
    while outbox.has_room() {
        outbox.push(Stream::Out, &[0; CHUNK_BYTES], 1);
        pushed += CHUNK_BYTES;
    }
    assert!(pushed <= WINDOW_BYTES && pushed > WINDOW_BYTES - 2 * CHUNK_BYTES);
    take_all(&mut outbox);
    assert!(!outbox.has_room());
    outbox.stored(2);
    assert!(outbox.has_room());
}

#[test]
fn tiny_pieces_are_bounded_too() {
    let mut outbox = Outbox::new(LogPressure::Pause, NO_LIMIT);
    let mut pieces = 0;
    while outbox.has_room() {
        outbox.push(Stream::Out, b"o", 1);
        outbox.push(Stream::Err, b"e", 1);
        pieces += 2;
    }
    assert!(pieces <= WINDOW_BYTES / CHUNK_COST);
}

/// Drops, makes room, and returns what follows.
fn after_a_loss(lost: &[(Stream, &str)], then: &[(Stream, &str)]) -> Vec<(u64, Stream, String)> {
    let mut outbox = Outbox::new(LogPressure::Drop, NO_LIMIT);
    let fill = vec![b'\n'; CHUNK_BYTES];
    while outbox.kept_cost + CHUNK_BYTES + CHUNK_COST <= WINDOW_BYTES {
        outbox.push(Stream::Out, &fill, 1);
    }
    outbox.push(Stream::Out, &fill, 1);
    let filled = outbox.last_number;
    for (stream, text) in lost {
        outbox.push(*stream, text.as_bytes(), 1);
    }
    assert_eq!(outbox.last_number, filled);
    take_all(&mut outbox);
    outbox.stored(filled);
    for (stream, text) in then {
        outbox.push(*stream, text.as_bytes(), 1);
    }
    outbox.close(1);
    let mut texts = texts(&take_all(&mut outbox));
    texts.iter_mut().for_each(|text| text.0 -= filled);
    texts
}

#[test]
fn dropped_lines_are_counted_where_they_were() {
    let lines = CHUNK_BYTES + 2;
    assert_eq!(
        after_a_loss(&[(Stream::Out, "a\nb\n")], &[(Stream::Out, "c\n")]),
        [
            (1, Stream::Note, format!("{lines} lines dropped")),
            (2, Stream::Out, "c\n".into())
        ]
    );
}

#[test]
fn the_rest_of_a_cut_line_goes_with_it() {
    let lines = CHUNK_BYTES + 1;
    assert_eq!(
        after_a_loss(
            &[(Stream::Out, "begin")],
            &[(Stream::Out, " middle"), (Stream::Out, " end\nnext\n")]
        ),
        [
            (1, Stream::Note, format!("{lines} lines dropped")),
            (2, Stream::Out, "next\n".into())
        ]
    );
}

#[test]
fn a_loss_at_the_end_is_told() {
    let lines = CHUNK_BYTES + 1;
    assert_eq!(
        after_a_loss(&[(Stream::Err, "begin")], &[]),
        [(1, Stream::Note, format!("{lines} lines dropped"))]
    );
}

#[test]
fn beyond_the_limit_there_is_one_note() {
    let mut outbox = Outbox::new(LogPressure::Pause, 4);
    outbox.push(Stream::Out, b"abcdef", 1);
    outbox.push(Stream::Err, b"ghi", 1);
    outbox.close(1);
    assert!(outbox.has_room());
    assert_eq!(
        texts(&take_all(&mut outbox)),
        [
            (1, Stream::Out, "abcd".into()),
            (
                2,
                Stream::Note,
                "output limit of 4 bytes reached, the rest is dropped".into()
            )
        ]
    );
}

#[test]
fn output_that_just_fits_has_no_note() {
    let mut outbox = Outbox::new(LogPressure::Pause, 4);
    outbox.push(Stream::Out, b"abcd", 1);
    outbox.close(1);
    assert_eq!(take_all(&mut outbox).len(), 1);
}

#[test]
fn sizes_read_well() {
    assert_eq!(
        [0, 1500, 2048, 64 << 20, 3 << 30].map(size),
        ["0 bytes", "1500 bytes", "2 KiB", "64 MiB", "3 GiB"]
    );
}
