;; Waits for 10,001 clocks at once.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (func (export "_start") (local $at i32)
    (local.set $at (i32.const 1024))
    (loop $again
      (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 48)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 481072))))
    (drop (call $poll (i32.const 1024) (i32.const 600000) (i32.const 10001) (i32.const 8)))))
