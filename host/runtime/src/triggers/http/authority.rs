//! Whom a request is for, as its app sees it: the host and port in the request's URI.
//!
//! HTTP/2 and proxies put them there. HTTP/1.1 has them in a header, and HTTP/1.0 may not have them at all, as health checks
//! do not. WASI 0.3 looks at the URI alone, and WASI 0.2 ends an instance that gets a request without either.

use super::own_answer::Failure;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri, Version};
use std::net::SocketAddr;

/// Completes a request's URI. A request of HTTP/1.0 that names nobody is for `local`, where it came in.
///
/// # Errors
///
/// [`Failure::NoAuthority`] where no host is named, or none that there could be, or several.
pub(super) fn complete<B>(request: &mut Request<B>, local: Option<SocketAddr>) -> Result<(), Failure> {
    if request.uri().authority().is_some() {
        return Ok(());
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let authority = match (hosts.next().filter(|host| !host.is_empty()), hosts.next()) {
        (Some(host), None) => parse(host).ok_or(Failure::NoAuthority("its Host header is not a host and port"))?,
        (None, None) if request.version() <= Version::HTTP_10 => here(local)?,
        (None, None) => return Err(Failure::NoAuthority("it has no Host header")),
        (_, Some(_)) => return Err(Failure::NoAuthority("it has several Host headers")),
    };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    // The root, where there is none: an authority needs a path beside it.
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Failure::NoAuthority("its target is not a URI"))?;
    Ok(())
}

fn parse(host: &HeaderValue) -> Option<Authority> {
    let authority = Authority::try_from(host.as_bytes()).ok()?;
    // A user is part of an authority and not of a Host.
    (!host.as_bytes().contains(&b'@')).then_some(authority)
}

fn here(local: Option<SocketAddr>) -> Result<Authority, Failure> {
    let here = local.and_then(|local| Authority::try_from(local.to_string()).ok());
    here.ok_or(Failure::NoAuthority("it has no Host header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(version: Version, target: &str, hosts: &[&[u8]]) -> Option<String> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        *request.uri_mut() = target.parse().unwrap();
        for host in hosts {
            request
                .headers_mut()
                .append(HOST, HeaderValue::from_bytes(host).unwrap());
        }
        let local = "[::1]:3000".parse().unwrap();
        complete(&mut request, Some(local))
            .ok()
            .map(|()| request.uri().to_string())
    }

    #[test]
    fn the_host_header_stands_in_for_a_target_without_one() {
        let completed = |target, host: &str| completed(Version::HTTP_11, target, &[host.as_bytes()]);
        assert_eq!(
            completed("/a?b", "example.org:81").unwrap(),
            "http://example.org:81/a?b"
        );
        assert_eq!(completed("/", "[::1]").unwrap(), "http://[::1]/");
        assert_eq!(completed("*", "example.org").unwrap(), "http://example.org*");
        assert_eq!(
            completed("http://first.org/a", "second.org").unwrap(),
            "http://first.org/a"
        );
    }

    #[test]
    fn without_a_host_http_1_0_is_for_the_address_where_it_came_in() {
        assert_eq!(completed(Version::HTTP_10, "/", &[]).unwrap(), "http://[::1]:3000/");
        assert_eq!(completed(Version::HTTP_10, "/", &[b""]).unwrap(), "http://[::1]:3000/");
        assert_eq!(completed(Version::HTTP_11, "/", &[]), None);
        assert_eq!(completed(Version::HTTP_2, "/", &[]), None);
    }

    #[test]
    fn a_host_that_there_cannot_be_is_refused() {
        let hosts: [&[u8]; 5] = [b"", b"caf\xe9", b"a b", b"user@example.org", b"a/b"];
        for host in hosts {
            assert_eq!(completed(Version::HTTP_11, "/", &[host]), None, "{host:?}");
        }
        assert_eq!(completed(Version::HTTP_11, "/", &[b"a", b"a"]), None);
    }
}
