//! The command line: verbs, flags and their help, in English and Chinese.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::fail::Fail;
use crate::lang::Lang;
use crate::{api, complete, control, dev, env, exec, export};

/// WeChat on your laptop: a simulator with a virtual phone, and a gateway
#[derive(Debug, Parser)]
#[command(
    name = "xinqiao",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Language of talk: zh or en (default: XINQIAO_LANG, then the locale)
    #[arg(long, value_enum, global = true)]
    pub(crate) lang: Option<Lang>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Every verb of the design; those that are not built say so.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start simulator, gateway, console and, without --app, a demo app
    Dev(dev::Options),
    /// Start the simulator and the phone alone (for CI); the world is empty unless --seeded
    Sim(dev::SimOptions),
    /// Run the gateway in front of the real platform
    Serve {
        /// Configuration file, see docs/configuration.md
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Run a program whose calls to platform hosts reach the running dev
    Exec(exec::Options),
    /// Print the same redirection as settings to paste
    Env(env::Options),
    /// Explain an error code or a diagnosis rule
    Explain {
        /// A code (45015, ORDERPAID), its name (OUT_OF_RESPONSE_WINDOW), a rule (callback.signature.token), or a
        /// whole answer that holds a code
        #[arg(required = true, allow_negative_numbers = true, add = ArgValueCandidates::new(complete::codes))]
        code: Vec<String>,
        /// Answer as JSON
        #[arg(long)]
        json: bool,
    },
    /// List, show and call the endpoints of the catalog
    Api {
        #[command(subcommand)]
        verb: api::Verb,
    },
    /// Print the catalog as an OpenAPI 3.1 document
    Openapi(export::Options),
    /// Export the catalog as data
    Catalog {
        #[command(subcommand)]
        verb: export::CatalogVerb,
    },
    /// Print the completion script of a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: complete::Shell,
    },
    /// Read or move the simulated clock
    Clock(control::ClockOptions),
    /// Push any event of the catalog to the app
    Trigger(control::TriggerOptions),
    /// Make the next platform calls fail
    Fault(control::FaultOptions),
    /// Print the timeline
    Logs(control::LogsOptions),
    /// [not built] Let a team's gateway stream real callbacks to this machine
    Listen(Unbuilt),
    /// [not built] Check an app's configuration from outside
    Doctor(Unbuilt),
    /// [not built] Run a scenario file
    Test(Unbuilt),
    /// [not built] Export and erase personal data
    Data(Unbuilt),
    /// [not built] Migrate and inspect a gateway's store
    Store(Unbuilt),
}

/// Takes any arguments, so that the answer is about the verb.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Unbuilt {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

/// The verbs in Chinese.
const ABOUT_ZH: [(&str, &str); 20] = [
    ("dev", "启动模拟器、网关、控制台；没有 --app 时还有演示应用"),
    (
        "sim",
        "只启动模拟器和手机（用于 CI）；不加 --seeded 时世界是空的",
    ),
    ("serve", "在真实平台前运行网关"),
    (
        "exec",
        "运行任意程序，让它对平台域名的调用到达正在运行的 dev",
    ),
    ("env", "把同样的重定向打印成可粘贴的配置"),
    ("explain", "解释错误码或诊断规则"),
    ("api", "列出、查看、调用目录中的接口"),
    ("openapi", "把目录打印成 OpenAPI 3.1 文档"),
    ("catalog", "把目录导出为数据"),
    ("completions", "打印某个 shell 的补全脚本"),
    ("clock", "查看或拨动模拟时钟"),
    ("trigger", "向应用推送目录中的任意事件"),
    ("fault", "让接下来的平台调用失败"),
    ("logs", "打印时间线"),
    ("listen", "[未实现] 让团队的网关把真实回调转到本机"),
    ("doctor", "[未实现] 从外部检查应用的配置"),
    ("test", "[未实现] 运行场景文件"),
    ("data", "[未实现] 导出和删除个人数据"),
    ("store", "[未实现] 迁移和查看网关的存储"),
    ("help", "显示帮助"),
];

impl Cli {
    /// Parses; prints help, version and usage errors by itself.
    pub(crate) fn read(args: &[OsString], lang: Lang) -> Result<Self, Fail> {
        let mut command = Self::command();
        if lang == Lang::Zh {
            command = command.about("笔记本上的微信：带虚拟手机的模拟器，和网关");
            for (name, about) in ABOUT_ZH {
                if command.find_subcommand(name).is_some() {
                    command = command.mut_subcommand(name, |verb| verb.about(about));
                }
            }
        }
        let parsed = command
            .try_get_matches_from(args)
            .and_then(|matches| Self::from_arg_matches(&matches));
        parsed.map_err(|error| {
            // clap knows which of its texts are data (help, version) and which are talk.
            let _ = error.print();
            Fail::silent(u8::try_from(error.exit_code()).unwrap_or(2))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_a_chinese_line() {
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            assert!(ABOUT_ZH.iter().any(|(known, _)| *known == name), "{name}");
        }
    }

    #[test]
    fn both_languages_agree_on_what_is_not_built() {
        for verb in Cli::command().get_subcommands() {
            let english = verb
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default();
            let chinese = ABOUT_ZH
                .iter()
                .find(|(known, _)| *known == verb.get_name())
                .map_or("", |(_, about)| about);
            assert_eq!(
                english.starts_with("[not built]"),
                chinese.starts_with("[未实现]"),
                "{}",
                verb.get_name()
            );
        }
    }
}
