//! A server's own count of its processor time and memory, by the names that Prometheus clients give them everywhere.

use std::time::Duration;

use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use super::Usage;

/// How long a page may take.
const WITHIN: Duration = Duration::from_secs(2);

/// Bytes of a page.
const PAGE_MOST: usize = 8 * 1024 * 1024;

/// The page at this URL, which has to be plain http; why not, in words.
pub async fn read_page(url: &Url) -> Result<String, String> {
    let read = tokio::time::timeout(WITHIN, read(url)).await;
    read.unwrap_or_else(|_| Err(format!("no answer within {WITHIN:?}")))
        .map_err(|why| format!("{url}: {why}"))
}

async fn read(url: &Url) -> Result<String, String> {
    let host = url.host_str().filter(|_| url.scheme() == "http");
    let host = host.ok_or("a URL such as http://127.0.0.1:8081/metrics is needed")?;
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
    let stream = stream.map_err(|error| error.to_string())?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = Request::get(path)
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
        .body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status()));
    }
    let body = Limited::new(response.into_body(), PAGE_MOST).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Processor time and memory on a Prometheus page; `None` when one of them is not there.
pub fn usage_on_page(page: &str) -> Option<Usage> {
    Some(Usage {
        cpu_s: value(page, "process_cpu_seconds_total")?,
        rss_mib: value(page, "process_resident_memory_bytes")? / (1024.0 * 1024.0),
    })
}

/// The sum over all labels of a name: a page may tell of several processes.
fn value(page: &str, name: &str) -> Option<f64> {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}')?.1,
            None => rest.strip_prefix(' ')?,
        };
        rest.split_whitespace().next()?.parse::<f64>().ok()
    });
    values.filter(|value| value.is_finite()).reduce(|sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_name_whatever_stands_around() {
        let page = "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1.5\n\
                    process_resident_memory_bytes{pid=\"1\"} 1048576\nprocess_resident_memory_bytes{pid=\"2\"} 2097152 1700000000\n\
                    process_resident_memory_bytes_max 9\n";
        let usage = usage_on_page(page).unwrap();
        assert_eq!((usage.cpu_s, usage.rss_mib), (1.5, 3.0));
        assert_eq!(usage_on_page("process_cpu_seconds_total 1\n"), None);
        assert_eq!(
            usage_on_page("process_cpu_seconds_total NaN\nprocess_resident_memory_bytes 1\n"),
            None
        );
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_told_with_its_address() {
        let wrong = read_page(&"https://127.0.0.1:9/metrics".parse().unwrap()).await.unwrap_err();
        assert!(wrong.starts_with("https://127.0.0.1:9/metrics: a URL such as"), "{wrong}");
    }
}
