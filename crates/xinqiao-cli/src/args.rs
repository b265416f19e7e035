//! The command line: verbs, flags and their help, in English and Chinese.
//!
//! English stands at the options themselves, Chinese in `args/zh.rs`; help, man pages and completions are all made
//! from the one [`Command`] that both make up.

mod groups;
pub(crate) mod help;
mod refusal;
mod zh;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::ArgValueCandidates;

pub(crate) use self::groups::closing;
pub(crate) use self::refusal::BadValue;
use crate::fail::Fail;
use crate::lang::Lang;
use crate::{api, complete, control, crypt, dev, env, exec, explain, export, man, pay, scenario};

/// The program's name.
pub(crate) const NAME: &str = "xinqiao";

/// WeChat on your laptop: a simulator with a virtual phone, and a gateway
#[derive(Debug, Parser)]
#[command(name = NAME, version, propagate_version = true)]
pub(crate) struct Cli {
    /// Language of talk: zh or en (default: XINQIAO_LANG, then the locale)
    #[arg(long, value_enum, global = true)]
    pub(crate) lang: Option<Lang>,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Every verb.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start simulator, gateway, console and, without --app, a demo app
    Dev(dev::DevOptions),
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
    /// Say what runs here, and how the app does
    Status(control::StatusOptions),
    /// Open the phone and the console in a browser
    Open(control::OpenOptions),
    /// Write to the app as a person, and print what it answers
    Say(control::SayOptions),
    /// Push any event of the catalog to the app
    Trigger(control::TriggerOptions),
    /// Send a callback again, as it was or edited
    Resend(control::ResendOptions),
    /// Play scenarios: what people do, and what must come of it
    #[command(after_help = scenario::EXAMPLES)]
    Test(scenario::Options),
    /// Read or move the simulated clock
    Clock(control::ClockOptions),
    /// Make the next platform calls fail, or callbacks go wrong
    Fault(control::FaultOptions),
    /// Print the timeline
    Logs(control::LogsOptions),
    /// Explain an error code, a diagnosis, an event, an endpoint or a field
    #[command(after_help = explain::EXAMPLES)]
    Explain {
        /// A code (45015, ORDERPAID) or its name, a rule (callback.signature.token), an event (subscribe), an id or
        /// a route of an endpoint, a field (openid), or a whole answer that holds a code
        #[arg(required = true, value_name = "WORD", allow_negative_numbers = true, add = ArgValueCandidates::new(complete::words))]
        code: Vec<String>,
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Decrypt, encrypt, sign and verify: callbacks, mini-program data, JS-SDK
    Crypt {
        #[command(subcommand)]
        verb: crypt::Verb,
    },
    /// Sign, verify, decrypt and read bills of WeChat Pay, APIv2 and APIv3
    Pay {
        #[command(subcommand)]
        verb: pay::Verb,
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
    #[command(after_help = complete::EXAMPLES)]
    Completions {
        /// Which shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: complete::Shell,
    },
    /// Print a man page, or write all of them
    #[command(after_help = man::EXAMPLES)]
    Man(man::Options),
}

impl Cli {
    /// Parses; prints help, version and usage errors by itself.
    pub(crate) fn read(args: &[OsString], lang: Lang) -> Result<Self, Fail> {
        // The whole command line in its language is made only where something is to be said.
        Self::command()
            .try_get_matches_from(args)
            .and_then(|matches| Self::from_arg_matches(&matches))
            .map_err(|_| refuse(args, lang))
    }
}

/// The command line in a language, with what clap adds to it.
pub(crate) fn command(lang: Lang) -> Command {
    let mut command = Cli::command();
    command.build();
    zh::translate(&mut command, lang);
    command
}

/// Reads the arguments again, to say in the reader's language what is wrong, or help.
fn refuse(args: &[OsString], lang: Lang) -> Fail {
    let mut command = command(lang);
    put_help(&mut command, lang);
    let path = path(&command, args);
    let Err(error) = command.try_get_matches_from(args) else {
        return Fail::silent(2);
    };
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // clap knows which of its texts are data (help, version) and which are talk.
            let _ = error.print();
            Fail::silent(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        _ => Fail::usage(refusal::text(&error, &path, lang)),
    }
}

/// Gives every command its help as [`help::text`] writes it.
fn put_help(command: &mut Command, lang: Lang) {
    for verb in command.get_subcommands_mut() {
        put_help(verb, lang);
    }
    let text = help::text(command, lang);
    *command = std::mem::take(command).override_help(text);
}

/// The words of the command that the arguments lead to.
fn path(command: &Command, args: &[OsString]) -> String {
    let mut found = NAME.to_owned();
    let mut here = command;
    for word in args.iter().skip(1).map_while(|word| word.to_str()) {
        if let Some(verb) = here.find_subcommand(word) {
            found = format!("{found} {}", verb.get_name());
            here = verb;
        }
    }
    found
}

#[cfg(test)]
mod tests;
