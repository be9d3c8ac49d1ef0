//! An application behind the gateway, written on a raw socket: it keeps every byte it was sent, and can say anything.

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::PATIENCE;
use super::wire::{self, Ends, Message, json_answer};

/// One upstream on a port of its own.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Keeps the port of an origin that never accepts or never listens.
    _held: Option<Held>,
}

#[expect(dead_code, reason = "held for their ports alone")]
enum Held {
    Silent(TcpListener),
    Closed(Socket),
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    seen: Vec<Message>,
    connections: usize,
}

impl Origin {
    /// A small application that knows nothing of logins: `/protected` tells who is logged in according to `X-Auth-User`,
    /// everything else shows the request as it arrived.
    pub fn start() -> Self {
        Self::answering(|request| {
            if request.target().split('?').next() == Some("/protected") {
                return json_answer(200, &json!({ "logged_in_as": request.get("x-auth-user") }));
            }
            let fields: Vec<_> = request.fields.iter().map(|(name, value)| json!([name, value])).collect();
            let shown = json!({ "method": request.method(), "target": request.target(), "fields": fields, "body": request.text() });
            json_answer(200, &shown)
        })
    }

    /// Answers each request with the bytes `answer` gives, and keeps the connection open.
    pub fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::conversing(move |conversation| {
            while let Some(request) = conversation.request() {
                conversation.say(&answer(&request));
            }
        })
    }

    /// Hands each connection to `talk`; the connection is closed when it returns.
    pub fn conversing(talk: impl Fn(&mut Conversation) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (talk, for_thread) = (Arc::new(talk), shared.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = for_thread.change(|state| {
                    state.connections += 1;
                    state.connections
                });
                let (talk, shared) = (talk.clone(), for_thread.clone());
                thread::spawn(move || talk(&mut Conversation::new(stream, number, shared)));
            }
        });
        Self { address, shared, _held: None }
    }

    /// Takes connections and never says a word.
    pub fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Self { address: listener.local_addr().unwrap(), shared: Arc::default(), _held: Some(Held::Silent(listener)) }
    }

    /// A port where nobody listens, held so that nobody else gets it.
    pub fn closed() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        Self { address, shared: Arc::default(), _held: Some(Held::Closed(socket)) }
    }

    /// Where it listens, as an upstream's address is written in the configuration.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Message> {
        self.shared.state.lock().unwrap().seen.clone()
    }

    /// The newest request.
    #[track_caller]
    pub fn last(&self) -> Message {
        self.seen().pop().expect("a request reached the upstream")
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.state.lock().unwrap().connections
    }

    /// Waits until `count` requests have come, and returns them.
    #[track_caller]
    pub fn wait_seen(&self, count: usize) -> Vec<Message> {
        let state = self.shared.state.lock().unwrap();
        let (state, timeout) = self.shared.changed.wait_timeout_while(state, PATIENCE, |state| state.seen.len() < count).unwrap();
        assert!(!timeout.timed_out(), "only {} of {count} requests came", state.seen.len());
        state.seen.clone()
    }
}

impl Shared {
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let changed = change(&mut self.state.lock().unwrap());
        self.changed.notify_all();
        changed
    }
}

/// One connection from the gateway.
pub struct Conversation {
    /// The raw connection, for what the other methods cannot do.
    pub stream: BufReader<TcpStream>,
    number: usize,
    shared: Arc<Shared>,
}

impl Conversation {
    fn new(stream: TcpStream, number: usize, shared: Arc<Shared>) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), number, shared }
    }

    /// The next request, whole; `None` when the gateway hangs up or sends no HTTP.
    pub fn request(&mut self) -> Option<Message> {
        let mut request = wire::read_message(&mut self.stream, Ends::AsRequest).ok()??;
        request.connection = self.number;
        self.shared.change(|state| state.seen.push(request.clone()));
        Some(request)
    }

    /// The next request's head, its body left unread.
    pub fn request_head(&mut self) -> Option<Message> {
        let mut request = wire::parse_head(wire::read_head(&mut self.stream).ok()??);
        request.connection = self.number;
        self.shared.change(|state| state.seen.push(request.clone()));
        Some(request)
    }

    /// Reads whatever is there next, at most `most` bytes; empty at the end.
    pub fn some_bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let read = self.stream.read(&mut bytes).unwrap_or(0);
        bytes.truncate(read);
        bytes
    }

    /// Sends bytes. That the gateway has hung up meanwhile is not the origin's business.
    pub fn say(&mut self, bytes: &[u8]) {
        let _: io::Result<()> = self.stream.get_mut().write_all(bytes);
    }

    /// Closes the connection from this side.
    pub fn hang_up(&mut self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }
}
