/// Why a connection, or a stream of one, ended that no judged request can tell of: before its head was read, or because
/// nobody took the answer. The words are stable: they stand in metrics and in the
/// access log's refusal field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConnectionFault {
    /// The TLS handshake failed: no common version or cipher, bytes that are no TLS, a client that does not trust us.
    Handshake,
    /// The TLS handshake took longer than allowed.
    HandshakeTimeout,
    /// The head of a request took longer than allowed. Answered 408.
    HeadTimeout,
    /// The head of a request is not HTTP. Answered 400.
    BadHead,
    /// The head of a request is larger than allowed. Answered 431.
    HeadTooLarge,
    /// An HTTP/2 peer broke the protocol or one of our limits (RFC 9113, section 7).
    Http2,
    /// One address holds as many connections as it may.
    AddressLimit,
    /// What came on a listener that expects a PROXY header is none.
    ProxyHeader,
    /// The PROXY header took longer than allowed.
    ProxyHeaderTimeout,
    /// Somebody came to a listener that expects a PROXY header who is not one of the trusted proxies.
    ProxyUntrusted,
    /// The client did not take what it had asked for: it stopped reading, or gave no window, for longer than allowed.
    SendTimeout,
}

impl ConnectionFault {
    /// Every fault, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Handshake,
        Self::HandshakeTimeout,
        Self::HeadTimeout,
        Self::BadHead,
        Self::HeadTooLarge,
        Self::Http2,
        Self::AddressLimit,
        Self::ProxyHeader,
        Self::ProxyHeaderTimeout,
        Self::ProxyUntrusted,
        Self::SendTimeout,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "tls_handshake",
            Self::HandshakeTimeout => "tls_handshake_timeout",
            Self::HeadTimeout => "head_timeout",
            Self::BadHead => "bad_head",
            Self::HeadTooLarge => "head_too_large",
            Self::Http2 => "http2_protocol",
            Self::AddressLimit => "address_limit",
            Self::ProxyHeader => "proxy_header",
            Self::ProxyHeaderTimeout => "proxy_header_timeout",
            Self::ProxyUntrusted => "proxy_untrusted",
            Self::SendTimeout => "send_timeout",
        }
    }

    /// What the client was answered; 0 when there was nothing to answer to.
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTimeout => 408,
            Self::BadHead => 400,
            Self::HeadTooLarge => 431,
            Self::Handshake
            | Self::HandshakeTimeout
            | Self::Http2
            | Self::AddressLimit
            | Self::ProxyHeader
            | Self::ProxyHeaderTimeout
            | Self::ProxyUntrusted
            | Self::SendTimeout => 0,
        }
    }
}
