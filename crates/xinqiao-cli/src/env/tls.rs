//! `env --tls`: how each language trusts the project's authority, and how the hosts are led to the port of `dev --tls`.

use crate::exec::java;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::project::{Ready, Tls};

/// The lines to read and to paste.
pub(super) fn lines(ready: &Ready, lang: Lang) -> Result<Vec<String>, Fail> {
    let tls = ready.tls.as_ref().ok_or_else(|| {
        Fail::usage(lang.pick(
            "正在运行的进程没有 TLS 端口；用 xinqiao dev --tls 8443 启动",
            "what is running has no TLS port; start it with `xinqiao dev --tls 8443`",
        ))
    })?;
    let mut lines = trust(tls, lang);
    lines.extend(hosts(tls, ready, lang));
    lines.extend(certificate(tls, ready, lang));
    Ok(lines)
}

/// A path as one word of a shell.
fn quoted(path: &std::path::Path) -> String {
    super::shell_quote(&path.display().to_string())
}

fn trust(tls: &Tls, lang: Lang) -> Vec<String> {
    let (ca, bundle) = (quoted(&tls.ca), quoted(&tls.bundle));
    let php = tls.bundle.with_file_name("php");
    let java = format!(
        "keytool -importcert -noprompt -cacerts -storepass {} -alias xinqiao -file {ca}",
        java::PASSWORD
    );
    vec![
        lang.pick(
            "# 信任根证书：它只担保平台的域名，有效一年",
            "# Trust the authority: it vouches for hosts of the platform only, for a year",
        )
        .to_owned(),
        format!("export SSL_CERT_FILE={bundle}          # OpenSSL, Go, Ruby, .NET, rustls"),
        format!("export REQUESTS_CA_BUNDLE={bundle}     # Python requests"),
        format!("export CURL_CA_BUNDLE={bundle}         # curl"),
        format!("export NODE_EXTRA_CA_CERTS={ca}     # Node"),
        format!("export PHP_INI_SCAN_DIR=:{}     # PHP", quoted(&php)),
        format!("{java}     # Java"),
        String::new(),
    ]
}

fn hosts(tls: &Tls, ready: &Ready, lang: Lang) -> Vec<String> {
    let near = tls.near();
    let (ip, port) = (near.ip(), near.port());
    let names: Vec<&str> = ready.endpoints.keys().map(String::as_str).collect();
    let mut lines = vec![
        lang.pick(
            "# 把域名指过来：加到 /etc/hosts（Windows：C:\\Windows\\System32\\drivers\\etc\\hosts），用完删掉",
            "# Lead the hosts here: a line for /etc/hosts (Windows: C:\\Windows\\System32\\drivers\\etc\\hosts), until you are done",
        )
        .to_owned(),
        format!("{ip} {}", names.join(" ")),
    ];
    if port != 443 {
        lines.push(
            lang.pick(
                "# hosts 不能改端口：用 --tls 443 启动，或者让本机的 443 转到这里（Linux）",
                "# It changes no port: start with --tls 443, or lead this machine's 443 here (Linux)",
            )
            .to_owned(),
        );
        lines.push(format!(
            "sudo iptables -t nat -A OUTPUT -p tcp -d {ip} --dport 443 -j REDIRECT --to-ports {port}"
        ));
    }
    lines.push(String::new());
    lines
}

fn certificate(tls: &Tls, ready: &Ready, lang: Lang) -> Vec<String> {
    let near = tls.near();
    let ca = quoted(&tls.ca);
    let control = &ready.control;
    vec![
        lang.pick(
            "# 试一试，不改 hosts：退款接口要商户证书，密码是商户号",
            "# Try it without the hosts file: a refund wants the merchant's certificate; its password is the merchant number",
        )
        .to_owned(),
        format!("MCHID=$(curl -s {control}/merchants | sed 's/.*\"mchid\":\"\\([0-9]*\\)\".*/\\1/')"),
        format!("curl -sO {control}/merchants/$MCHID/files/apiclient_cert.p12"),
        format!(
            "curl --cacert {ca} --connect-to ::{near} --cert-type P12 --cert apiclient_cert.p12:$MCHID https://api.mch.weixin.qq.com/secapi/pay/refund -d '<xml/>'"
        ),
    ]
}
