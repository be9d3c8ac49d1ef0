use http::HeaderMap;

/// A field that something on the road asks about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Field {
    /// `Accept`.
    Accept,
    /// `Accept-Language`.
    AcceptLanguage,
    /// `Cache-Control`.
    CacheControl,
    /// `Connection`.
    Connection,
    /// `Content-Type`.
    ContentType,
    /// `Cookie`.
    Cookie,
    /// `Expect`.
    Expect,
    /// `Referer`.
    Referer,
    /// `Sec-Fetch-Dest` or `Sec-Fetch-Mode`.
    Fetch,
    /// `Set-Cookie`.
    SetCookie,
    /// `TE`.
    Te,
    /// `Trailer`.
    Trailer,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Upgrade`.
    Upgrade,
    /// `User-Agent`.
    UserAgent,
    /// Any other that belongs to one connection only.
    HopByHop,
    /// Any whose name has an underscore.
    Underscored,
}

/// Which of these fields a message has. One look at each name that is there costs less than a search for every name that
/// could be there, and most are not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen(u32);

impl Seen {
    /// Looks at all names. What is written into the map later is not seen.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self(0);
        for name in headers.keys() {
            seen.0 |= 1
                << match name.as_str() {
                    "accept" => Field::Accept,
                    "accept-language" => Field::AcceptLanguage,
                    "cache-control" => Field::CacheControl,
                    "connection" => Field::Connection,
                    "content-type" => Field::ContentType,
                    "cookie" => Field::Cookie,
                    "expect" => Field::Expect,
                    "referer" => Field::Referer,
                    "sec-fetch-dest" | "sec-fetch-mode" => Field::Fetch,
                    "set-cookie" => Field::SetCookie,
                    "te" => Field::Te,
                    "trailer" => Field::Trailer,
                    "transfer-encoding" => Field::TransferEncoding,
                    "upgrade" => Field::Upgrade,
                    "user-agent" => Field::UserAgent,
                    "http2-settings" | "keep-alive" | "proxy-authenticate" | "proxy-authorization" | "proxy-connection" => Field::HopByHop,
                    other if other.as_bytes().contains(&b'_') => Field::Underscored,
                    _ => continue,
                } as u32;
        }
        seen
    }

    /// Whether it is there.
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u32) != 0
    }

    /// Whether one of them is there.
    pub fn any(self, fields: &[Field]) -> bool {
        fields.iter().any(|field| self.has(*field))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_there_is_seen_and_nothing_else() {
        let headers: HeaderMap = ["cookie", "keep-alive", "sec-fetch-mode", "x_auth_user", "x-other"]
            .map(|name| (HeaderName::from_static(name), HeaderValue::from_static("1")))
            .into_iter()
            .collect();
        let seen = Seen::of(&headers);
        assert!([Field::Cookie, Field::HopByHop, Field::Fetch, Field::Underscored].iter().all(|field| seen.has(*field)));
        assert!(seen.any(&[Field::Te, Field::Cookie]));
        assert_eq!(seen.0.count_ones(), 4);
        assert_eq!(Seen::of(&HeaderMap::new()), Seen::default());
    }
}
