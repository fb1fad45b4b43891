//! Header fields.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Uri};

use crate::media_type::MediaType;
use crate::wsdl::Address;

/// A charset has nothing around it, whatever the media type is written like,
/// and writing it plainly says the same.
///
/// The first line is the content type, the second the content encoding.
pub fn media_type(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in [CONTENT_TYPE, CONTENT_ENCODING] {
        if let Some(Ok(value)) = lines.next().map(HeaderValue::from_bytes) {
            headers.insert(name, value);
        }
    }
    let Ok(read) = MediaType::of(&headers) else {
        return;
    };
    let Some(charset) = &read.charset else {
        return;
    };
    assert!(
        !charset.is_empty() && charset.trim() == charset,
        "{charset:?}"
    );

    let quoted = charset.replace('\\', "\\\\").replace('"', "\\\"");
    let plain = HeaderValue::from_str(&format!("text/xml; charset=\"{quoted}\""));
    if let Ok(plain) = plain {
        headers.insert(CONTENT_TYPE, plain);
        assert_eq!(MediaType::of(&headers).ok(), Some(read));
    }
}

/// An address of the gateway is a URL of the host that was named, and holds
/// nothing that a WSDL's reader could take for more.
///
/// The first line is the host, the second the query.
pub fn host(data: &[u8]) {
    const PATH: &str = "/callback/v1/salesforce/events";

    let Some((host, query)) = std::str::from_utf8(data)
        .ok()
        .and_then(|text| text.split_once('\n'))
    else {
        return;
    };
    let Ok(value) = HeaderValue::from_str(host) else {
        return;
    };
    let headers = HeaderMap::from_iter([(HOST, value)]);
    let Ok(address) = Address::of(false, None, &headers, PATH, query) else {
        return;
    };
    let address = address.as_str();
    assert!(address.is_ascii(), "{address:?}");
    assert!(!address.contains(['"', '<', '>', ' ', '\\', '@']) || query.contains('@'));
    let Ok(uri) = address.parse::<Uri>() else {
        // A URL longer than a URI of this library may be.
        assert!(address.len() > usize::from(u16::MAX) - 1, "{address:?}");
        return;
    };
    assert_eq!(uri.authority().map(Authority::as_str), Some(host));
    assert_eq!(uri.path(), PATH);
}
