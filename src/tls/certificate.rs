use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;
use yasna::models::{GeneralizedTime, UTCTime};
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, Tag, tags};

use crate::base::Timestamp;

/// What an operator and the gateway want to know of a certificate in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The file it came from.
    pub path: PathBuf,
    /// The DNS names it is for, lower case, wildcards among them.
    pub names: Vec<String>,
    /// When it ends.
    pub ends: Timestamp,
    /// Whether it vouches for itself (issuer and subject are one): then no browser trusts it unasked, and a promise like
    /// HSTS would lock people out who had clicked their way in.
    pub self_made: bool,
}

impl CertificateInfo {
    /// Whole days from `now` to its end; 0 when it has ended.
    pub fn days_left(&self, now: Timestamp) -> u64 {
        self.ends.since(now).as_secs() / 86_400
    }

    /// Reads the first certificate of a chain. The error is a phrase for the operator.
    pub(super) fn read(path: PathBuf, der: &CertificateDer<'_>) -> Result<Self, String> {
        let certificate = EndEntityCert::try_from(der).map_err(|error| error.to_string())?;
        let ends = yasna::parse_der(der, end_of_validity).map_err(|error| format!("its validity cannot be read ({error})"))?;
        Ok(Self {
            path,
            names: certificate.valid_dns_names().map(str::to_ascii_lowercase).collect(),
            ends,
            self_made: certificate.issuer() == certificate.subject(),
        })
    }
}

/// RFC 5280, section 4.1: `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }`, and in the first of
/// these the fifth (after an optional version) is `Validity ::= SEQUENCE { notBefore, notAfter }`.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the bare method's lifetimes are not general enough")]
fn end_of_validity(reader: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    reader.read_sequence(|certificate| {
        let ends = certificate.next().read_sequence(|tbs| {
            let _version = tbs.read_optional(|version| version.read_tagged(Tag::context(0), |number| number.read_u8()))?;
            let (_serial, _algorithm, _issuer) = (tbs.next().read_der()?, tbs.next().read_der()?, tbs.next().read_der()?);
            let ends = tbs.next().read_sequence(|validity| {
                let _begins = validity.next().read_der()?;
                read_time(validity.next())
            })?;
            while tbs.read_optional(|rest| rest.read_der())?.is_some() {}
            Ok(ends)
        })?;
        let (_algorithm, _signature) = (certificate.next().read_der()?, certificate.next().read_der()?);
        Ok(ends)
    })
}

/// `Time ::= CHOICE { utcTime, generalTime }`; two-digit years below 50 are of this century.
fn read_time(reader: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    let seconds = match reader.lookahead_tag()? {
        tags::TAG_UTCTIME => reader.read_utctime().map(|time: UTCTime| time.datetime().unix_timestamp()),
        tags::TAG_GENERALIZEDTIME => reader.read_generalized_time().map(|time: GeneralizedTime| time.datetime().unix_timestamp()),
        _ => Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    }?;
    Ok(Timestamp::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    fn read(der: &CertificateDer<'_>) -> CertificateInfo {
        CertificateInfo::read(PathBuf::new(), der).unwrap()
    }

    #[test]
    fn names_end_and_maker_are_read() {
        let pair = testing::pair_until(&["a.example", "*.B.example", "192.0.2.1"], (2031, 5, 6));
        let info = read(pair.cert.der());
        assert_eq!(info.names, ["a.example", "*.b.example"]);
        assert_eq!(info.ends, Timestamp::from_secs(1_935_792_000));
        assert!(info.self_made);
        assert_eq!(info.days_left(Timestamp::from_secs(1_935_792_000 - 86_400 * 3 + 1)), 2);
        assert_eq!(info.days_left(Timestamp::from_secs(1_935_792_001)), 0);
    }

    #[test]
    fn years_beyond_2049_are_read() {
        // RFC 5280, section 4.1.2.5: from 2050 on the other kind of time is used.
        let pair = testing::pair_until(&["a.example"], (2060, 1, 1));
        assert_eq!(read(pair.cert.der()).ends, Timestamp::from_secs(2_840_140_800));
    }

    #[test]
    fn a_certificate_signed_by_somebody_else_is_not_self_made() {
        assert!(!read(testing::signed_by_other(&["a.example"]).cert.der()).self_made);
    }

    #[test]
    fn rubbish_is_an_error() {
        for der in [&b""[..], b"\x30\x03\x02\x01\x01", b"hello"] {
            assert!(CertificateInfo::read(PathBuf::new(), &CertificateDer::from(der)).is_err());
        }
    }
}
