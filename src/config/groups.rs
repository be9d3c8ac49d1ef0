use std::collections::BTreeMap;
use std::fs;

use super::access::user;
use super::provider::Providers;
use super::section::Section;
use crate::base::Fault;
use crate::gateway::FileGroups;
use crate::identity::{Group, UserId};

/// Most bytes a file of groups has.
const MOST: u64 = 16 << 20;

/// Reads `[groups]`: a file with a line for each group, `staff: mju:60241234 mju:60241235`. `#` begins a comment; a group
/// may have more than one line.
pub(super) fn read(root: &Section<'_>, providers: &Providers) -> FileGroups {
    let section = root.section("groups", "[groups]");
    let Some(path) = section.path("file") else { return FileGroups::default() };
    let fault = |fault: Fault| section.reader.fault(fault.at(path.span.clone()));
    let shown = path.value.display();
    let text = match text(&path.value) {
        Ok(text) => text,
        Err(error) => {
            fault(Fault::new(format!("{shown} cannot be read: {error}")).help("one line for each group: staff: mju:60241234 mju:60241235"));
            return FileGroups::default();
        }
    };
    let mut groups: BTreeMap<Group, Vec<UserId>> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        // The first colon ends the group's name, since none of those that follow stands alone.
        let Some((group, members)) = line.split_once(": ").or_else(|| line.strip_suffix(':').map(|group| (group, ""))) else {
            fault(
                Fault::new(format!("{shown}, line {number}: no group"))
                    .help("write as in \"staff: mju:60241234\", a blank behind the colon"),
            );
            continue;
        };
        match Group::new(group) {
            Ok(group) => {
                let list = groups.entry(group).or_default();
                for member in members.split_whitespace() {
                    match user(member, providers) {
                        Ok(user) => list.push(user),
                        Err(wrong) => fault(Fault { message: format!("{shown}, line {number}: {}", wrong.message), ..wrong }),
                    }
                }
            }
            Err(error) => fault(Fault::new(format!("{shown}, line {number}: {group:?} cannot be a group: {error}"))),
        }
    }
    FileGroups::new(groups)
}

#[expect(clippy::disallowed_methods, reason = "read at start and at reload, away from the workers")]
fn text(path: &std::path::Path) -> std::io::Result<String> {
    if fs::metadata(path)?.len() > MOST {
        return Err(std::io::Error::other("it is too large"));
    }
    fs::read_to_string(path)
}
