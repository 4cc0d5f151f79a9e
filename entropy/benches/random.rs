//! 32 random bytes: this generator, the same with a system call for each draw, AWS-LC's own, and the
//! system call alone.

use criterion::{Criterion, criterion_group, criterion_main};
use entropy::SecureRandom;
use kms_core::Random;
use kms_core::env::Site;
use std::hint::black_box;

fn thirty_two_bytes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("32 random bytes");
    let mut bytes = [0; 32];
    for (name, interval) in [("reseeded every 1 MiB", 1 << 20), ("reseeded every draw", 0)] {
        let mut random = SecureRandom::new(interval).expect("random bytes");
        group.bench_function(name, |bencher| {
            bencher.iter(|| random.fill(Site::MessageNonce, black_box(&mut bytes)));
        });
    }
    group.bench_function("aws-lc-rs", |bencher| {
        bencher.iter(|| aws_lc_rs::rand::fill(black_box(&mut bytes)).expect("random bytes"));
    });
    group.bench_function("system call", |bencher| {
        bencher.iter(|| getrandom::fill(black_box(&mut bytes)).expect("random bytes"));
    });
    group.finish();
}

criterion_group!(benches, thirty_two_bytes);
criterion_main!(benches);
