//! What a document consists of, as a strict reader sees it: every fault of its markup is reported.

use std::collections::BTreeMap;

use html5gum::{HtmlString, Token, Tokenizer};

const VOID: [&str; 5] = ["meta", "link", "input", "img", "br"];

pub(super) struct Element {
    pub(super) tag: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) inside_label: bool,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }
}

pub(super) struct Outline {
    elements: Vec<Element>,
    /// Tags and attribute names in order, without values and texts.
    pub(super) structure: Vec<String>,
    pub(super) title: String,
    /// All text outside the head's style sheets.
    pub(super) text: String,
    pub(super) faults: Vec<String>,
}

impl Outline {
    pub(super) fn elements<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.tag == tag)
    }

    pub(super) fn count(&self, tag: &str) -> usize {
        self.elements(tag).count()
    }

    pub(super) fn attribute<'a>(&'a self, tag: &'a str, name: &str) -> Option<&'a str> {
        self.elements(tag).next().and_then(|element| element.get(name))
    }

    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.elements.iter().filter_map(move |element| element.get(name))
    }

    pub(super) fn all_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.elements.iter().flat_map(|element| element.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// What a person types into or chooses.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Element> {
        let typed = |element: &&Element| matches!(element.tag.as_str(), "input" | "select" | "textarea");
        self.elements.iter().filter(typed).filter(|element| element.get("type") != Some("hidden"))
    }
}

fn utf8(text: &HtmlString) -> String {
    String::from_utf8(text.to_vec()).unwrap()
}

pub(super) fn outline(html: &str) -> Outline {
    let mut page = Outline { elements: Vec::new(), structure: Vec::new(), title: String::new(), text: String::new(), faults: Vec::new() };
    let mut open: Vec<String> = Vec::new();
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = utf8(&tag.name);
                let attributes: BTreeMap<String, String> = tag.attributes.iter().map(|(k, v)| (utf8(k), utf8(v))).collect();
                page.structure.push(attributes.keys().fold(name.clone(), |all, key| all + " " + key));
                if !tag.self_closing && !VOID.contains(&name.as_str()) {
                    open.push(name.clone());
                }
                let inside_label = open.iter().any(|tag| tag == "label");
                page.elements.push(Element { tag: name, attributes, inside_label });
            }
            Token::EndTag(tag) => {
                let name = utf8(&tag.name);
                if open.pop().as_ref() != Some(&name) {
                    page.faults.push(format!("</{name}> closes nothing"));
                }
                page.structure.push(format!("/{name}"));
            }
            Token::String(text) => match open.last().map(String::as_str) {
                Some("title") => page.title.push_str(&utf8(&text)),
                Some("style") => {}
                Some(_) => page.text.push_str(&utf8(&text)),
                None if utf8(&text).trim().is_empty() => {}
                None => page.faults.push(format!("text outside: {}", utf8(&text))),
            },
            Token::Comment(_) => page.faults.push("a comment".into()),
            Token::Doctype(_) => {}
            Token::Error(error) => page.faults.push(error.to_string()),
        }
    }
    if !open.is_empty() {
        page.faults.push(format!("left open: {open:?}"));
    }
    page
}
