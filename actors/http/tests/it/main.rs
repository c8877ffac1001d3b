//! The client against a listener of this process.

#![expect(clippy::unwrap_used, reason = "tests, whose helpers clippy does not know as such")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use playhouse_http::{HeaderMap, HttpClient, HttpError, HttpLimits, HttpRequest, Url};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    most_open: AtomicUsize,
    accepted: AtomicUsize,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
}

/// Answers each request of each connection with `answer`; closes after an answer that is not complete.
async fn serve(answer: &'static str) -> (Url, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    let counts = Arc::new(Counts::default());
    let shared = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, answer, Arc::clone(&shared)));
        }
    });
    (url, counts)
}

async fn converse(mut stream: TcpStream, answer: &'static str, counts: Arc<Counts>) {
    counts.accepted.fetch_add(1, Ordering::SeqCst);
    let open = counts.open.fetch_add(1, Ordering::SeqCst) + 1;
    counts.most_open.fetch_max(open, Ordering::SeqCst);
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
        let busy = counts.busy.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most_busy.fetch_max(busy, Ordering::SeqCst);
        tokio::task::yield_now().await;
        counts.busy.fetch_sub(1, Ordering::SeqCst);
        if stream.write_all(answer.as_bytes()).await.is_err() || answer != OK {
            break;
        }
    }
    counts.open.fetch_sub(1, Ordering::SeqCst);
}

async fn post(client: &HttpClient, url: &Url) -> Result<Vec<u8>, HttpError> {
    let request =
        HttpRequest { url: url.clone(), headers: HeaderMap::new(), body: Bytes::from_static(b"{}") };
    let mut response = client.slot().await.post(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_connections_are_busy_than_the_pool_has() {
    let (url, counts) = serve(OK).await;
    let client = HttpClient::new(HttpLimits { max_connections: 4, ..HttpLimits::default() });
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (client, url) = (client.clone(), url.clone());
            tokio::spawn(async move {
                for _ in 0..20 {
                    assert_eq!(post(&client, &url).await.unwrap(), b"ok");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(counts.most_busy.load(Ordering::SeqCst) <= 4);
}

#[test]
fn a_request_prints_no_secret() {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", "Bearer secret".parse().unwrap());
    let url = "http://host/path?key=secret".parse().unwrap();
    let shown = format!("{:?}", HttpRequest { url, headers, body: Bytes::from_static(b"secret") });
    assert_eq!(shown, r#"HttpRequest { origin: "http://host", n_headers: 1, body_bytes: 6 }"#);
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (url, counts) = serve(OK).await;
    let client = HttpClient::new(HttpLimits::default());
    for _ in 0..10 {
        post(&client, &url).await.unwrap();
        tokio::task::yield_now().await;
    }
    assert!(counts.accepted.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_redirect_is_told_and_not_followed() {
    let (url, _) = serve(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://evil.test/steal?x=1\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let error = post(&HttpClient::new(HttpLimits::default()), &url).await.unwrap_err();
    assert!(
        matches!(&error, HttpError::Redirect { status: 307, location: Some(origin) } if origin == "http://evil.test")
    );
}

#[tokio::test]
async fn a_cut_body_is_closed() {
    let (url, _) = serve("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    let error = post(&HttpClient::new(HttpLimits::default()), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed(_)), "{error:?}");
}

#[tokio::test]
async fn a_cut_head_is_closed() {
    let (url, _) = serve("HTTP/1.1 200").await;
    let error = post(&HttpClient::new(HttpLimits::default()), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::Closed(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_listening_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let error = post(&HttpClient::new(HttpLimits::default()), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::Refused(_)), "{error:?}");
}

#[tokio::test]
async fn a_plain_text_server_is_no_tls_server() {
    let (url, _) = serve("HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let url: Url = url.as_str().replace("http:", "https:").parse().unwrap();
    let error = post(&HttpClient::new(HttpLimits::default()), &url).await.unwrap_err();
    assert!(matches!(error, HttpError::Tls(_) | HttpError::Setup(_)), "{error:?}");
}
