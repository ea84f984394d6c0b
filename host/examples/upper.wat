;; Makes ASCII letters upper case. The host writes the text to memory that `allocate` returns.
(module
  (memory (export "memory") 1)
  ;; The start of the free memory. Memory is not used again: an instance handles one text.
  (global $free (mut i32) (i32.const 8))

  (func $allocate (export "allocate") (param $length i32) (result i32)
    (local $pointer i32) (local $end i32)
    (local.set $pointer (global.get $free))
    (local.set $end (i32.add (local.get $pointer) (local.get $length)))
    ;; Less than the start: the sum has overflowed.
    (if (i32.lt_u (local.get $end) (local.get $pointer)) (then (return (i32.const 0))))
    (block $fits
      (br_if $fits (i32.le_u (local.get $end) (i32.mul (memory.size) (i32.const 65536))))
      (br_if $fits (i32.ne (i32.const -1)
        (memory.grow (i32.add (i32.shr_u (local.get $length) (i32.const 16)) (i32.const 1)))))
      (return (i32.const 0)))
    (global.set $free (local.get $end))
    (local.get $pointer))

  (func (export "deallocate") (param $pointer i32) (param $length i32))

  (func (export "upper") (param $from i32) (param $length i32) (result i32 i32)
    (local $to i32) (local $at i32) (local $byte i32)
    (local.set $to (call $allocate (local.get $length)))
    (if (i32.eqz (local.get $to)) (then (unreachable)))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $at) (local.get $length)))
        (local.set $byte (i32.load8_u (i32.add (local.get $from) (local.get $at))))
        (if (i32.lt_u (i32.sub (local.get $byte) (i32.const 97)) (i32.const 26))
          (then (local.set $byte (i32.sub (local.get $byte) (i32.const 32)))))
        (i32.store8 (i32.add (local.get $to) (local.get $at)) (local.get $byte))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $to) (local.get $length)))
