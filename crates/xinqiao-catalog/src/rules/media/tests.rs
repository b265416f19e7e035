use super::*;

fn limit() -> &'static MediaLimit {
    static LIMIT: std::sync::OnceLock<MediaLimit> = std::sync::OnceLock::new();
    LIMIT.get_or_init(|| MediaLimit {
        id: "temporary.image",
        max_bytes: 1000,
        formats: vec!["jpg", "png"],
        max_seconds: 60,
        size_code: 40006,
        format_code: 40005,
        keep_seconds: 0,
    })
}

#[track_caller]
fn verdict(file: File<'_>) -> Result<String, i64> {
    check(limit(), &file).map_err(|violation| violation.code.0)
}

#[test]
fn the_bytes_tell_the_type() {
    let jpg = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
    let octets = "application/octet-stream";
    assert_eq!(
        verdict(File {
            name: "a.txt",
            content_type: octets,
            head: jpg,
            bytes: 10,
            seconds: None
        }),
        Ok("jpg".to_owned())
    );
    assert_eq!(
        verdict(File {
            name: "a.jpg",
            head: b"GIF89a",
            bytes: 10,
            ..File::default()
        }),
        Err(40005)
    );
}

#[test]
fn the_name_tells_the_type_where_the_bytes_do_not() {
    let file = |name| File {
        name,
        head: b"????",
        bytes: 10,
        ..File::default()
    };
    assert_eq!(verdict(file("桥头.JPEG")), Ok("jpg".to_owned()));
    assert_eq!(verdict(file("c:\\tmp.d\\photo")), Err(40005));
    assert_eq!(
        verdict(File {
            content_type: "image/png; x",
            ..file("photo")
        }),
        Ok("png".to_owned())
    );
}

#[test]
fn size_and_length_are_limited() {
    let file = |bytes, seconds| File {
        name: "a.jpg",
        bytes,
        seconds,
        ..File::default()
    };
    assert_eq!(verdict(file(0, None)), Err(40006));
    assert_eq!(verdict(file(1000, Some(60))), Ok("jpg".to_owned()));
    assert_eq!(verdict(file(1001, None)), Err(40006));
    assert_eq!(verdict(file(10, Some(61))), Err(40006));
}

#[test]
fn a_violation_says_what_is_taken() {
    let file = File {
        name: "a.gif",
        bytes: 10,
        ..File::default()
    };
    let violation = check(limit(), &file).unwrap_err();
    assert_eq!(
        violation.to_string(),
        "`gif` is not taken here, these are: jpg png"
    );
}
