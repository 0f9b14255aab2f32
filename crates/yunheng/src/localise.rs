//! Help in Chinese or English, by the locale.

use crate::cli::Cli;
use clap::{Arg, Command, CommandFactory};
use std::collections::BTreeMap;

const CHINESE: &str = include_str!("../i18n/cli.zh.toml");
const EXAMPLES: &str = include_str!("../i18n/examples.toml");

/// A language of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Chinese, the default of a Chinese bureau.
    Chinese,
    /// English.
    English,
}

impl Language {
    /// By `--lang`, else by the locale; Chinese if neither says English.
    pub(crate) fn detect(arguments: impl Iterator<Item = String>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let arguments: Vec<String> = arguments.collect();
        let after = arguments.windows(2).find_map(|pair| match pair {
            [flag, value] if flag == "--lang" => Some(value.clone()),
            _ => None,
        });
        let given = after.or_else(|| {
            arguments
                .iter()
                .find_map(|a| a.strip_prefix("--lang=").map(str::to_owned))
        });
        let locale = || {
            ["LC_ALL", "LC_MESSAGES", "LANG"]
                .iter()
                .find_map(|name| variable(name).filter(|v| !v.is_empty()))
        };
        match given.or_else(locale) {
            Some(name) if name.starts_with("en") => Self::English,
            _ => Self::Chinese,
        }
    }
}

/// The texts of a language by path: `month.close`, `month.close.month`.
fn texts(source: &str) -> BTreeMap<String, String> {
    toml::from_str(source).unwrap_or_default()
}

/// The command with help in a language, and examples.
pub(crate) fn command(language: Language) -> Command {
    let chinese = if language == Language::Chinese {
        texts(CHINESE)
    } else {
        BTreeMap::new()
    };
    let mut command = Cli::command();
    command.build();
    let headings = (language == Language::Chinese).then_some(("用法", "命令", "参数", "选项"));
    translate(command, "", &chinese, &texts(EXAMPLES), headings)
}

type Headings = Option<(&'static str, &'static str, &'static str, &'static str)>;

fn translate(
    mut command: Command,
    path: &str,
    texts: &BTreeMap<String, String>,
    examples: &BTreeMap<String, String>,
    headings: Headings,
) -> Command {
    let own = if path.is_empty() { "yunheng" } else { path };
    if let Some(about) = texts.get(own) {
        command = command.about(about.clone());
    }
    let after = [
        examples.get(own),
        texts
            .get("exit-codes")
            .or(examples.get("exit-codes"))
            .filter(|_| path.is_empty()),
    ];
    let after: Vec<String> = after.into_iter().flatten().cloned().collect();
    if !after.is_empty() {
        let title = if headings.is_some() { "示例" } else { "Examples" };
        command = command.after_help(format!("{title}:\n{}", after.join("\n\n")));
    }
    if let Some((usage, commands, arguments, options)) = headings {
        let template = format!(
            "{{about-with-newline}}\n{usage}: {{usage}}\n{}{}\n{options}:\n{{options}}\n\n{{after-help}}",
            if command.has_subcommands() {
                format!("\n{commands}:\n{{subcommands}}\n")
            } else {
                String::new()
            },
            if command.get_positionals().next().is_some() {
                format!("\n{arguments}:\n{{positionals}}\n")
            } else {
                String::new()
            },
        );
        command = command.help_template(template);
    }
    let ids = command
        .get_arguments()
        .map(|arg| (arg.get_id().to_string(), arg.is_global_set()));
    let ids: Vec<(String, bool)> = ids.collect();
    for (id, is_everywhere) in ids {
        // A command below may have the name of an option that every command has.
        let text = texts
            .get(&format!("{own}.{id}"))
            .filter(|_| !is_everywhere)
            .or_else(|| texts.get(&format!("*.{id}")))
            .cloned();
        if let Some(text) = text {
            command = command.mut_arg(id, |arg: Arg| explained(arg, text));
        }
    }
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        command = command.mut_subcommand(name, |sub| translate(sub, &below, texts, examples, headings));
    }
    command
}

/// The option, explained by this text alone: an English long help and the English words of its values would stand
/// beside it otherwise.
fn explained(arg: Arg, text: String) -> Arg {
    let has_long = arg.get_long_help().is_some();
    let arg = arg.help(text.clone()).hide_possible_values(true);
    if has_long { arg.long_help(text) } else { arg }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(command: &Command, path: &str, visit: &mut impl FnMut(&Command, &str)) {
        visit(command, if path.is_empty() { "yunheng" } else { path });
        for sub in command.get_subcommands() {
            let below = if path.is_empty() {
                sub.get_name().to_owned()
            } else {
                format!("{path}.{}", sub.get_name())
            };
            walk(sub, &below, visit);
        }
    }

    #[test]
    fn every_command_and_argument_has_chinese_help_and_every_command_examples() {
        let (chinese, examples) = (texts(CHINESE), texts(EXAMPLES));
        assert!(
            !chinese.is_empty() && !examples.is_empty(),
            "the text files do not parse"
        );
        let mut missing = Vec::new();
        let mut built = Cli::command();
        built.build();
        walk(&built, "", &mut |command, path| {
            if !chinese.contains_key(path) {
                missing.push(path.to_owned());
            }
            if !command.has_subcommands() && !examples.contains_key(path) {
                missing.push(format!("{path} (example)"));
            }
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                if !chinese.contains_key(&format!("{path}.{id}")) && !chinese.contains_key(&format!("*.{id}")) {
                    missing.push(format!("{path}.{id}"));
                }
            }
        });
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn an_option_of_every_command_is_explained_alike_below_a_command_of_its_name() {
        let all = command(Language::Chinese);
        let account = all.find_subcommand("account").unwrap();
        let token = account.get_arguments().find(|arg| arg.get_id() == "token").unwrap();
        let said = token.get_help().unwrap().to_string();
        assert_eq!(Some(&said), texts(CHINESE).get("*.token"));
    }

    #[test]
    fn the_locale_decides() {
        let detect = |args: &[&str], lang: &str| {
            Language::detect(args.iter().map(|a| (*a).to_owned()), |name| {
                (name == "LANG").then(|| lang.to_owned())
            })
        };
        assert_eq!(detect(&["yunheng"], "zh_CN.UTF-8"), Language::Chinese);
        assert_eq!(detect(&["yunheng"], "en_US.UTF-8"), Language::English);
        assert_eq!(detect(&["yunheng", "--lang", "en"], "zh_CN.UTF-8"), Language::English);
        assert_eq!(detect(&["yunheng", "--lang=zh"], "en_US.UTF-8"), Language::Chinese);
        assert_eq!(detect(&["yunheng"], "C"), Language::Chinese);
    }
}
