//! The commands in groups, as `--help` lists them.

use crate::lang::Lang;

/// Commands that serve one purpose.
#[derive(Debug)]
pub(crate) struct Group {
    title: (&'static str, &'static str),
    /// Their names.
    pub(crate) verbs: &'static [&'static str],
}

impl Group {
    pub(crate) fn title(&self, lang: Lang) -> &'static str {
        lang.pick(self.title.0, self.title.1)
    }
}

/// Every command stands in one group.
pub(crate) const ALL: [Group; 7] = [
    Group {
        title: ("启动", "Start"),
        verbs: &["dev", "sim", "serve"],
    },
    Group {
        title: ("连接你的程序", "Connect your program"),
        verbs: &["exec", "env"],
    },
    Group {
        title: ("操作运行中的模拟器", "Act on what runs"),
        verbs: &[
            "status", "open", "say", "trigger", "resend", "clock", "fault", "logs",
        ],
    },
    Group {
        title: ("测试", "Test"),
        verbs: &["test"],
    },
    Group {
        title: (
            "离线工具（不连网，也不用启动什么）",
            "Offline tools (nothing has to run)",
        ),
        verbs: &["explain", "crypt", "pay"],
    },
    Group {
        title: ("平台目录", "The platform's catalog"),
        verbs: &["api", "openapi", "catalog"],
    },
    Group {
        title: ("命令行本身", "The command line itself"),
        verbs: &["completions", "man", "help"],
    },
];

/// What the whole program's help ends with.
pub(crate) const fn closing(lang: Lang) -> [&'static str; 2] {
    match lang {
        Lang::Zh => [
            "退出码：0 成功；1 事情没办成，或结果不符（平台拒绝、签名不对、对账不平、投递失败）；2 用法不对（选项、参数、配置有误，或没有信桥在运行）。exec 用它所运行的命令的退出码。",
            "每个命令都有自己的帮助：xinqiao <命令> --help。数据写到标准输出，其余的话写到标准错误；加 --json 得到给程序读的输出。",
        ],
        Lang::En => [
            "Exit codes: 0 done; 1 the thing failed or differs (the platform refuses, a signature is wrong, a bill does not add up, a delivery failed); 2 wrong use (options, arguments, configuration, or nothing is running). exec ends with the code of the command that it runs.",
            "Each command has help of its own: xinqiao <COMMAND> --help. Data goes to standard output, talk to standard error; --json is for programs.",
        ],
    }
}
