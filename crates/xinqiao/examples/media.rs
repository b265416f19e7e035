//! Media (素材): a film is read while it is sent, and written while it arrives.
//!
//! Set `WECHAT_APPID` and `WECHAT_SECRET`, then `cargo run --example media -- film.mp4`. It prints the media id and
//! how many bytes came back into `copy.mp4`. A file that the platform would refuse does not leave.

#![expect(clippy::print_stdout, reason = "an example shows what it got")]

use std::{env, error::Error, path::Path};

use serde_json::json;
use xinqiao::{Client, Upload};

/// Uploads a file; gives its media id, which is good for three days.
async fn upload(shop: &Client, kind: &str, path: &Path) -> Result<String, Box<dyn Error>> {
    let call = shop.call("official_account.media.upload", json!({"type": kind}));
    let answer = call.file("media", Upload::open(path).await?).await?;
    let media_id = answer["media_id"].as_str();
    Ok(media_id.ok_or("no media id came back")?.to_owned())
}

/// Saves what is behind a media id; gives its length.
async fn download(shop: &Client, media_id: &str, path: &Path) -> Result<u64, Box<dyn Error>> {
    // A film is answered with its address, everything else with the file itself.
    let file = shop
        .call("official_account.media.get", json!({"media_id": media_id}))
        .stream()
        .await?;
    Ok(file.save(path).await?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let shop = xinqiao::official_account(env::var("WECHAT_APPID")?, env::var("WECHAT_SECRET")?);
    let path = env::args().nth(1).ok_or("give a film")?;
    let media_id = upload(&shop, "video", path.as_ref()).await?;
    println!("{media_id}");
    let size = download(&shop, &media_id, "copy.mp4".as_ref()).await?;
    println!("{size} bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use xinqiao_testkit::TestWorld;

    use super::*;

    #[tokio::test]
    async fn a_picture_goes_up_and_comes_back_and_one_that_is_too_large_does_not_leave() {
        let world = TestWorld::start_seeded().await;
        let account = &world.simulator().seeded().accounts[0];
        let shop = Client::builder(account.appid.as_str())
            .secret(account.secret.as_str())
            .endpoints(world.simulator().endpoints())
            .build()
            .expect("no option can fail");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("桥.png");
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 5000]].concat();
        std::fs::write(&path, &picture).expect("written");
        let media_id = upload(&shop, "image", &path).await.expect("taken");
        let copy = folder.path().join("copy.png");
        let size = download(&shop, &media_id, &copy)
            .await
            .expect("it is there");
        assert_eq!(size, picture.len() as u64);
        assert_eq!(std::fs::read(&copy).expect("saved"), picture);
        let picture = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; 11 << 20]].concat();
        std::fs::write(&path, picture).expect("written");
        let error = upload(&shop, "image", &path).await.expect_err("refused");
        assert!(
            error.to_string().contains("refused before sending"),
            "{error}"
        );
        world.shutdown().await;
    }
}
