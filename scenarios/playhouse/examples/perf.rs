//! Perf.
#![allow(clippy::unwrap_used, missing_docs, clippy::expect_used)]
use playhouse::prelude::*;
use playhouse::{Runtime, RuntimeOptions, StartRun, Scenario};

fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
fn main() {
    let n: u32 = std::env::args().nth(1).unwrap().parse().unwrap();
    let turns_: u32 = std::env::args().nth(2).unwrap().parse().unwrap();
    let conc: usize = std::env::args().nth(3).unwrap().parse().unwrap();
    let mut s = Scenario::<String, String>::builder("perf").about("perf");
    let agents: Vec<_> = ["a","b","c","d"].iter().map(|n| s.agent(n, |agent| agent.script(|_: &ModelRequest, _: &ScriptContext| ScriptReply::say("x".repeat(64))))).collect();
    s.crew(RoundRobin::new(), [&agents[0], &agents[1], &agents[2], &agents[3]]).until(turns(turns_)).limit(turns(turns_+1));
    let def = s.build().unwrap().definition();
    let rt = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    rt.block_on(async {
        let options = match std::env::args().nth(4) { Some(d) => RuntimeOptions::new(d), None => RuntimeOptions::ephemeral() };
        let runtime = Runtime::open_with(options).await.unwrap();
        let t = std::time::Instant::now(); let c = cpu();
        use futures::StreamExt;
        futures::stream::iter(0..n).map(|_| { let runtime = runtime.clone(); let def = def.clone(); async move {
            let handle = runtime.start(def, StartRun { input: "\"hello\"".into(), seed: 1, model: None }).await.unwrap();
            handle.finished().await.unwrap();
        }}).buffer_unordered(conc).collect::<Vec<_>>().await;
        let total = f64::from(n * turns_);
        println!("{n} runs x {turns_} turns conc {conc}: cpu {:.4} ms/turn, {:.4} ms/run, wall {:.1} us/turn", (cpu() - c) * 1000.0 / total, (cpu()-c)*1000.0/f64::from(n), t.elapsed().as_secs_f64() * 1e6 / total);
        runtime.close().await;
    });
}
