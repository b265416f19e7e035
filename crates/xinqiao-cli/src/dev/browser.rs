//! The browser of `dev --browser`: Chromium in which the app's pages run under their real host names, inside WeChat.
//!
//! Names of the platform and of the pages lead to the door of [`crate::exec`]'s proxy, which answers TLS with an authority of
//! this browser's own; everything else goes through the proxy, so that an unknown host of the platform is refused. An extension
//! loads the script that makes a page one in the phone. Profile, extension and authority lie in `.xinqiao/browser`, and only
//! this profile trusts the authority: by the key of its leaves, which is another at each start.
//!
//! Source of the flags: Chromium's `net/dns/mapped_host_resolver.h`, `components/network_session_configurator` and
//! `extensions/common/switches.cc`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use http::{Method, Uri};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio_util::sync::{CancellationToken, DropGuard};
use xinqiao_types::{SystemClock, SystemEntropy, percent};

use crate::args::BadValue;
use crate::exec::{Addresses, Authority, Hosts, Outside, Proxy, Upstream, Voucher};
use crate::fail::Fail;
use crate::lang::Lang;
use crate::local::Local;
use crate::project::Ready;
use crate::talk;

/// The platform's host whose stand-in serves the script of the phone.
const SCRIPTS_HOST: &str = "open.weixin.qq.com";
/// Where the script is there.
const SCRIPT: &str = "/xinqiao/bridge.js";
/// What the browser calls itself: the client on Android, as `navigator.userAgent` of its pages reads.
const USER_AGENT: &str = "Mozilla/5.0 (Linux; Android 14; Xinqiao) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/130.0.0.0 Mobile Safari/537.36 MicroMessenger/8.0.50(0x1800322f) NetType/WIFI Language/zh_CN";
/// Programs that are looked for on `PATH`, those first that load an extension from the command line.
const PROGRAMS: [&str; 6] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge",
    "chrome",
];
/// Where macOS keeps them.
const PLACES: [&str; 3] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
];
/// How long the browser may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(3);

/// `--page-host NAME[=URL]`: a host of the app's pages, and where the app serves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PageHost {
    name: String,
    /// The app's origin; that of the phone's app if nothing is said.
    origin: Option<String>,
}

/// Reads `NAME[=URL]`.
pub(super) fn parse(text: &str) -> Result<PageHost, BadValue> {
    const WRONG: BadValue = BadValue {
        zh: "页面的域名写成 h5.example.com，或 h5.example.com=http://127.0.0.1:3000",
        en: "a host of pages looks like h5.example.com, or h5.example.com=http://127.0.0.1:3000",
    };
    let (name, at) = match text.split_once('=') {
        Some((name, at)) => (name, Some(at)),
        None => (text, None),
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if !name.contains('.') || name.starts_with('.') || !name.chars().all(named) {
        return Err(WRONG);
    }
    if Hosts::are_known(name) {
        return Err(BadValue {
            zh: "平台和本机的名字不能当作页面的域名",
            en: "names of the platform and of this machine are not the app's",
        });
    }
    let origin = at.map(|at| origin(at).ok_or(WRONG)).transpose()?;
    Ok(PageHost {
        name: name.to_ascii_lowercase(),
        origin,
    })
}

/// `http://host:port` of an address.
fn origin(address: &str) -> Option<String> {
    let uri: Uri = address.parse().ok()?;
    let authority = uri.authority()?;
    (uri.scheme_str() == Some("http")).then(|| format!("http://{authority}"))
}

/// Finds the program: the named one, else what this machine has.
pub(super) fn find(wanted: &str, lang: Lang) -> Result<PathBuf, Fail> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = |name: &str| {
        let mut folders = std::env::split_paths(&path);
        folders.find_map(|folder| {
            let file = folder
                .join(name)
                .with_extension(std::env::consts::EXE_EXTENSION);
            file.is_file().then_some(file)
        })
    };
    if !wanted.is_empty() {
        let named = PathBuf::from(wanted);
        let found = if named.is_file() {
            Some(named)
        } else {
            on_path(wanted)
        };
        return found.ok_or_else(|| {
            Fail::usage(match lang {
                Lang::Zh => format!("--browser={wanted}：没有这个程序"),
                Lang::En => format!("--browser={wanted}: there is no such program"),
            })
        });
    }
    let placed = || {
        PLACES
            .iter()
            .map(PathBuf::from)
            .find(|place| place.is_file())
    };
    let installed = || {
        let roots = ["ProgramFiles", "ProgramFiles(x86)", "LOCALAPPDATA"];
        let mut roots = roots.into_iter().filter_map(std::env::var_os);
        roots.find_map(|root| {
            let vendors = ["Chromium", "Google/Chrome"].into_iter();
            let mut files =
                vendors.map(|vendor| Path::new(&root).join(vendor).join("Application/chrome.exe"));
            files.find(|file| file.is_file())
        })
    };
    let found = PROGRAMS.into_iter().find_map(on_path);
    found.or_else(placed).or_else(installed).ok_or_else(|| {
        Fail::usage(lang.pick(
            "--browser 要用 Chromium，这台机器上没有找到：安装它（Debian、Ubuntu：apt install chromium；macOS：brew install --cask chromium；Windows：winget install Hibbiki.Chromium），或写明 --browser=/路径/chromium",
            "--browser needs Chromium, and this machine has none: install it (Debian, Ubuntu: apt install chromium; macOS: brew install --cask chromium; Windows: winget install Hibbiki.Chromium), or name it with --browser=/path/to/chromium",
        ))
    })
}

/// A running browser, and the proxy that it lives by.
#[derive(Debug)]
pub(super) struct Browser {
    child: Child,
    log: PathBuf,
    _proxy: DropGuard,
}

/// Starts the browser at the console.
pub(super) async fn start(
    program: &Path,
    pages: &[PageHost],
    ready: &Ready,
    project: &Path,
    lang: Lang,
) -> Result<Browser, Fail> {
    let folder = project.join("browser");
    fs::create_dir_all(&folder).with_context(|| crate::project::unwritable(&folder))?;
    let mut hosts = Hosts::parse(ready.endpoints(ready.via, lang)?)?;
    for page in pages {
        let own = { page.origin.clone() }.or_else(|| ready.app.as_deref().and_then(origin));
        let own = own.ok_or_else(|| no_app(&page.name, lang))?;
        hosts.add_app(&page.name, &own)?;
    }
    let names = hosts.names();
    let clock = Arc::new(SystemClock);
    let authority = Authority::open(&folder, &names, clock, Arc::new(SystemEntropy))?;
    let trusted = authority.leaf_fingerprint();
    let upstream = Upstream::from_environment(|name| std::env::var(name).ok())?;
    let stop = CancellationToken::new();
    let guard = stop.clone().drop_guard();
    let addresses = Proxy::new(
        hosts,
        authority,
        upstream,
        Outside::Open,
        Voucher::new(ready),
    )?
    .listen(stop)
    .await
    .context(lang.pick("无法在本机监听", "cannot listen on loopback"))?;
    let extension = extension(&folder, ready).await?;
    admit(pages, ready, lang).await?;

    let log = folder.join("browser.log");
    let errors = fs::File::create(&log).with_context(|| crate::project::unwritable(&log))?;
    let child = Command::new(program)
        .args(flags(&names, addresses, &trusted))
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("--load-extension={}", extension.display()))
        .arg(&ready.console)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| program.display().to_string())?;
    tell(program, pages, lang);
    Ok(Browser {
        child,
        log,
        _proxy: guard,
    })
}

fn no_app(name: &str, lang: Lang) -> Fail {
    Fail::usage(match lang {
        Lang::Zh => {
            format!("--page-host {name}：没有写 --app，请写明 {name}=http://127.0.0.1:端口")
        }
        Lang::En => {
            format!("--page-host {name}: no --app is named, so write {name}=http://127.0.0.1:PORT")
        }
    })
}

fn flags(names: &[String], addresses: Addresses, trusted: &str) -> Vec<String> {
    let door = addresses.door;
    let rules: Vec<String> = names
        .iter()
        .map(|name| ["MAP ", name, " ", &door.to_string()].concat())
        .collect();
    let mut flags = vec![
        format!("--host-resolver-rules={}", rules.join(",")),
        format!("--proxy-server=http://{}", addresses.proxy),
        format!("--proxy-bypass-list={}", names.join(";")),
        format!("--ignore-certificate-errors-spki-list={trusted}"),
        format!("--user-agent={USER_AGENT}"),
        "--no-first-run".to_owned(),
        "--no-default-browser-check".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-quic".to_owned(),
        // A page that the app leads to by http is asked for by http.
        "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable".to_owned(),
        "--window-size=1440,900".to_owned(),
    ];
    // Chromium has no sandbox for root, as in most containers, and refuses to start with one.
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        flags.push("--no-sandbox".to_owned());
    }
    flags
}

/// Writes the extension: the script of the phone, in every page but the console's, before the page's own scripts.
async fn extension(folder: &Path, ready: &Ready) -> anyhow::Result<PathBuf> {
    let extension = folder.join("extension");
    fs::create_dir_all(&extension).with_context(|| crate::project::unwritable(&extension))?;
    let pages = ready.endpoints.get(SCRIPTS_HOST);
    let pages = pages.with_context(|| format!("endpoints: {SCRIPTS_HOST}"))?;
    let script = Local::new(Lang::settled())
        .text(&format!("{pages}{SCRIPT}"))
        .await
        .map_err(|fail| anyhow::anyhow!(fail.message))?;
    let manifest = json!({
        "manifest_version": 3,
        "name": "Xinqiao",
        "version": "1.0",
        "content_scripts": [{
            "matches": ["http://*/*", "https://*/*"],
            "exclude_matches": [format!("{}/*", ready.console)],
            "js": ["bridge.js"],
            "run_at": "document_start",
            "world": "MAIN",
        }],
    });
    for (name, text) in [
        ("bridge.js", script),
        ("manifest.json", manifest.to_string()),
    ] {
        let path = extension.join(name);
        crate::project::write_private(&path, text.as_bytes())
            .with_context(|| crate::project::unwritable(&path))?;
    }
    Ok(extension)
}

/// Puts the pages' hosts among the domains of the phone's account, where they are not yet.
async fn admit(pages: &[PageHost], ready: &Ready, lang: Lang) -> Result<(), Fail> {
    let Some(account) = ready.accounts.first().filter(|_| !pages.is_empty()) else {
        return Ok(());
    };
    let local = Local::new(lang);
    let place = format!(
        "{}/accounts/{}",
        ready.control,
        percent::encode(&account.appid)
    );
    let view = local.call(Method::GET, &place, None).await?;
    let mut patch = serde_json::Map::new();
    for field in ["oauth_domain", "js_domain"] {
        let kept = view.get(field).and_then(Value::as_str).unwrap_or_default();
        let mut all: Vec<&str> = kept.split(',').filter(|name| !name.is_empty()).collect();
        let before = all.len();
        for page in pages {
            if !all.contains(&page.name.as_str()) {
                all.push(&page.name);
            }
        }
        if all.len() > before {
            patch.insert(field.to_owned(), json!(all.join(",")));
        }
    }
    if !patch.is_empty() {
        local
            .call(Method::PATCH, &place, Some(&Value::Object(patch)))
            .await?;
    }
    Ok(())
}

fn tell(program: &Path, pages: &[PageHost], lang: Lang) {
    let shown = program.display();
    talk::say(match lang {
        Lang::Zh => format!("浏览器：{shown}（在 .xinqiao/browser 里有自己的用户目录）"),
        Lang::En => format!("browser: {shown} (with a profile of its own in .xinqiao/browser)"),
    });
    for page in pages {
        talk::say(format_args!("  https://{}", page.name));
    }
    let name = program
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    if name.contains("google") || name.contains("edge") {
        talk::say(lang.pick(
            "提示：这个浏览器可能不加载命令行给的扩展；页面里没有 WeixinJSBridge 时，请换 Chromium，或让页面自己引用 /xinqiao/bridge.js",
            "note: this browser may not load extensions from the command line; where a page has no WeixinJSBridge take Chromium, or let the page load /xinqiao/bridge.js itself",
        ));
    }
}

/// Watches the browser, if there is one.
pub(super) async fn watch(browser: Option<&mut Browser>, lang: Lang) {
    match browser {
        Some(browser) => browser.watch(lang).await,
        None => std::future::pending().await,
    }
}

impl Browser {
    /// Says when somebody closes the browser, or when it does not start, and never returns: `dev` goes on without it.
    async fn watch(&mut self, lang: Lang) {
        let status = self.child.wait().await;
        let fine = status.is_ok_and(|status: ExitStatus| status.success());
        let log = self.log.display();
        talk::say(match (fine, lang) {
            (true, Lang::Zh) => "浏览器已关闭；信桥还在运行".to_owned(),
            (true, Lang::En) => "the browser was closed; Xinqiao goes on".to_owned(),
            (false, Lang::Zh) => {
                format!("浏览器没有运行下去（它需要图形界面；它说的话在 {log}）；信桥还在运行")
            }
            (false, Lang::En) => format!(
                "the browser did not go on (it needs a screen; what it said is in {log}); Xinqiao goes on"
            ),
        });
        std::future::pending::<()>().await;
    }

    /// Asks the browser to end, so that its profile is whole.
    pub(super) async fn close(mut self) {
        #[cfg(unix)]
        if let Some(pid) = { self.child.id() }
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        #[cfg(not(unix))]
        let _ = self.child.start_kill();
        let _ = tokio::time::timeout(PATIENCE, self.child.wait()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_pages_may_say_where_its_app_is() {
        let named = parse("H5.example.com").expect("a name");
        assert_eq!((&*named.name, named.origin), ("h5.example.com", None));
        let led = parse("h5.example.com=http://127.0.0.1:3000/wx").expect("a name and an address");
        assert_eq!(led.origin.as_deref(), Some("http://127.0.0.1:3000"));
        for wrong in [
            "",
            "h5",
            ".example.com",
            "h5.example.com=3000",
            "h5.example.com=https://127.0.0.1",
            "https://h5.example.com",
            "h5.example.com,MAP * 10.0.0.1",
            "mp.weixin.qq.com",
            "127.0.0.1",
            "app.localhost",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_name_leads_to_the_door_and_past_the_proxy() {
        let names = ["api.weixin.qq.com".to_owned(), "h5.example.com".to_owned()];
        let addresses = Addresses {
            proxy: ([127, 0, 0, 1], 4001).into(),
            door: ([127, 0, 0, 1], 4002).into(),
        };
        let flags = flags(&names, addresses, "key");
        for flag in [
            "--host-resolver-rules=MAP api.weixin.qq.com 127.0.0.1:4002,MAP h5.example.com 127.0.0.1:4002",
            "--proxy-bypass-list=api.weixin.qq.com;h5.example.com",
            "--proxy-server=http://127.0.0.1:4001",
            "--ignore-certificate-errors-spki-list=key",
        ] {
            assert!(flags.iter().any(|own| own == flag), "{flag}: {flags:?}");
        }
    }

    #[test]
    fn a_browser_that_is_not_there_is_named() {
        let Err(fail) = find("no-such-browser", Lang::En) else {
            panic!("found a browser that nobody has")
        };
        assert!(fail.message.contains("no-such-browser"), "{}", fail.message);
    }
}
