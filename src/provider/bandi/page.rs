//! What is read of the university's pages: inputs, forms, and the few things their scripts do.

use std::collections::BTreeMap;

use html5gum::{DefaultEmitter, HtmlString, Spanned, StartTag, Token, Tokenizer};

use super::script::Script;

/// A page, as far as the login needs it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) inputs: Vec<Input>,
    pub(super) forms: Vec<Form>,
    pub(super) script: Script,
    pub(super) title: String,
    /// What relative addresses are relative to, if not the page.
    pub(super) base: Option<String>,
    on_load: bool,
}

/// An `input` that has a value to send.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) value: String,
    hidden: bool,
    form: Option<usize>,
}

/// A `form`. Its inputs are those that name it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) action: String,
    pub(super) post: bool,
}

impl Page {
    /// Reads a page. Whatever it is, something comes out.
    pub(super) fn read(html: &str) -> Self {
        let mut emitter = DefaultEmitter::default();
        // So that scripts, styles and titles are text and not markup.
        emitter.naively_switch_states(true);
        let (mut page, mut open_form, mut inside) = (Self::default(), None, Inside::Body);
        let mut script = String::new();
        for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Token::StartTag(tag) => inside = page.start(&tag, &mut open_form),
                Token::EndTag(tag) => {
                    if tag.name == b"form" {
                        open_form = None;
                    }
                    page.script.add(&std::mem::take(&mut script));
                    inside = Inside::Body;
                }
                Token::String(text) => match inside {
                    Inside::Script => script.push_str(&String::from_utf8_lossy(&text)),
                    Inside::Title => page.title.push_str(&String::from_utf8_lossy(&text)),
                    Inside::Body => {}
                },
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        page.script.add(&script);
        page
    }

    fn start(&mut self, tag: &StartTag<()>, open_form: &mut Option<usize>) -> Inside {
        let attribute = |name: &str| attribute(&tag.attributes, name).unwrap_or_default();
        match tag.name.as_slice() {
            b"script" => return Inside::Script,
            b"title" => return Inside::Title,
            b"base" if self.base.is_none() => self.base = Some(attribute("href")),
            b"body" => {
                let on_load = attribute("onload");
                self.on_load = !on_load.is_empty();
                self.script.add(&on_load);
            }
            // A form inside a form is none (WHATWG HTML, 13.2.6.4.7).
            b"form" if open_form.is_none() => {
                *open_form = Some(self.forms.len());
                self.forms.push(Form {
                    id: attribute("id"),
                    name: attribute("name"),
                    action: attribute("action"),
                    post: attribute("method").eq_ignore_ascii_case("post"),
                });
            }
            b"input" => self.inputs.push(Input {
                id: attribute("id"),
                name: attribute("name"),
                value: attribute("value"),
                hidden: attribute("type").eq_ignore_ascii_case("hidden"),
                form: *open_form,
            }),
            _ => {}
        }
        Inside::Body
    }

    /// The form with this id.
    pub(super) fn form(&self, id: &str) -> Option<(usize, &Form)> {
        self.forms.iter().enumerate().find(|(_, form)| form.id == id)
    }

    /// The value of the input with this id, or else of this name, if it has one.
    pub(super) fn value(&self, id: &str) -> Option<&str> {
        let by_id = self.inputs.iter().find(|input| input.id == id);
        let input = by_id.or_else(|| self.inputs.iter().find(|input| input.name == id))?;
        Some(input.value.trim()).filter(|value| !value.is_empty())
    }

    /// What a browser sends of a form without anybody having typed: the hidden inputs that have a name.
    pub(super) fn hidden(&self, form: usize) -> impl Iterator<Item = (&str, &str)> + Clone {
        let of_form = move |input: &&Input| input.hidden && input.form == Some(form) && !input.name.is_empty();
        self.inputs.iter().filter(of_form).map(|input| (input.name.as_str(), input.value.as_str()))
    }

    /// The form that the page submits by itself, if it does: the one its script names, else the first.
    pub(super) fn submits_itself(&self) -> Option<(usize, &Form)> {
        if !self.script.submits(self.on_load) {
            return None;
        }
        let mut named = self
            .forms
            .iter()
            .enumerate()
            .filter(|(_, form)| [&form.id, &form.name].into_iter().any(|name| !name.is_empty() && self.script.mentions(name)));
        named.next().or_else(|| self.forms.first().map(|form| (0, form)))
    }
}

enum Inside {
    Body,
    Script,
    Title,
}

fn attribute(attributes: &BTreeMap<HtmlString, Spanned<HtmlString, ()>>, name: &str) -> Option<String> {
    attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGN_IN: &str = r#"<!DOCTYPE html><html><head><title> 통합로그인 </title><meta charset="UTF-8">
        <!-- <form id="signin-form" action="/old"><input id="public-key" value="old"></form> -->
        <script>var html = "<form id='signin-form' action='/fake'>"; if (1 < 2) { document.write("<input id='c_r_t' value='fake'>"); }</script>
        </head><body onload="init()">
        <INPUT type="hidden" value="MIIB&#43;key==" id="public-key">
        <form id=signin-form action="/sso/auth;jsessionid=A1?client_id=msi&amp;cm_cg_id=A1" method="POST">
        <input type="text" id="input-userId" name="user_id"><input type="password" name="pw">
        <input type="hidden" name="c_r_t" value=" tok&quot;en " id="c_r_t"/>
        <input type="hidden" name="new_field" value="1"><input type="hidden" value="nameless">
        <form id="inner" action="/inner"></form>
        </form><input type="hidden" name="outside" value="2"></body></html>"#;

    #[test]
    fn the_sign_in_page_is_read_as_a_browser_reads_it() {
        let page = Page::read(SIGN_IN);
        assert_eq!(page.value("public-key"), Some("MIIB+key=="));
        assert_eq!(page.value("c_r_t"), Some("tok\"en"));
        assert_eq!(page.value("user_id"), None, "it has no value");
        let (at, form) = page.form("signin-form").unwrap();
        assert_eq!((form.action.as_str(), form.post), ("/sso/auth;jsessionid=A1?client_id=msi&cm_cg_id=A1", true));
        assert_eq!(page.hidden(at).collect::<Vec<_>>(), [("c_r_t", " tok\"en "), ("new_field", "1")]);
        assert_eq!(page.forms.len(), 1, "comments, texts in scripts and forms in forms are no forms");
        assert_eq!(page.title.trim(), "통합로그인");
        assert!(page.submits_itself().is_none());
    }

    #[test]
    fn a_page_that_submits_itself_says_which_form() {
        let one = Page::read(
            "<body onLoad='doLogin();'><form action=/a><input type=hidden name=t value=1></form><script>function doLogin() { document.forms[0].submit(); }</script>",
        );
        assert_eq!(one.submits_itself().unwrap().1.action, "/a");
        let two =
            Page::read("<form name=other action=/a></form><form name=login action=/b></form><script>document.login.submit()</script>");
        assert_eq!(two.submits_itself().unwrap().1.action, "/b");
        let by_id = Page::read("<form action=/a></form><form id=go action=/b></form><script>$('#go')[0].submit()</script>");
        assert_eq!(by_id.submits_itself().unwrap().1.action, "/b");
        assert!(Page::read("<script>document.login.submit()</script>").submits_itself().is_none(), "no form");
        assert!(Page::read("<form action=/a></form><button onclick='document.forms[0].submit()'>").submits_itself().is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_page_makes_it_panic(html in r#"(\PC|</?(form|input|script|title|body|base)( (id|name|value|type|action|onload)=["']?[a-z]*["']?)*>?|<!--|-->){0,40}"#) {
            let page = Page::read(&html);
            let _ = (page.submits_itself(), page.value("c_r_t"), page.form("signin-form"));
        }
    }
}
