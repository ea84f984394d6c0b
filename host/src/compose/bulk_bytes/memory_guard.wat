;; The guard of one memory of a part. It checks the strings that the part sends, gives them even addresses,
;; and calls the part's own `realloc` as for byte lists.
;;
;; The engine copies a string of this encoding only from an even address to an even address. A byte list may
;; be anywhere. A sender's lists at odd addresses are copied into a *region* of its own memory while the call
;; lasts; the region consists of zeros before and after. A receiver's list at an odd address is written one
;; byte lower and moved up before the part's code runs again.
(module
  (import "part" "memory" (memory 0))
  {REALLOC}

  ;; The region; its size is 0 between calls.
  (global $base (mut i32) (i32.const 0))
  (global $size (mut i32) (i32.const 0))
  (global $free (mut i32) (i32.const 0))
  ;; The bytes that the region needs, and the end of all that it must not overlap.
  (global $need (mut i64) (i64.const 0))
  (global $end (mut i64) (i64.const 0))

  ;; A bit for each string that was received at an odd address, and the bit of the next string, which is set back
  ;; after each call.
  (global $odd (export "odd") (mut i64) (i64.const 0))
  (global $next (export "next") (mut i64) (i64.const 1))
  ;; The last string received at an odd address, which has to be moved up, and the byte before it.
  (global $pending (mut i32) (i32.const 0))
  (global $length (mut i32) (i32.const 0))
  (global $byte (mut i32) (i32.const 0))

  ;; The names of these functions are reasons of traps in `ending/trap.rs`.
  (func $refuse-length unreachable)
  (func $refuse-range unreachable)
  (func $refuse-text unreachable)
  (func $refuse-move (export "refuse-move") unreachable)
  (func $refuse-allocation unreachable)

  (func $memory-size (result i64)
    (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16)))
  (func $end-of (param $pointer i32) (param $length i32) (result i64)
    (i64.add (i64.extend_i32_u (local.get $pointer)) (i64.extend_i32_u (local.get $length))))
  ;; The length with its end on a multiple of 8.
  (func $padded (param $length i32) (result i64)
    (i64.and
      (i64.add (i64.extend_i32_u (local.get $length)) (i64.const 7))
      (i64.const -8)))

  ;; Checks a byte list to be sent.
  (func $check-bytes (export "check-bytes") (param $pointer i32) (param $length i32)
    (if (i32.lt_s (local.get $length) (i32.const 0))
      (then (call $refuse-length)))
    (if (i64.gt_u (call $end-of (local.get $pointer) (local.get $length)) (call $memory-size))
      (then (call $refuse-range))))

  ;; Checks a text to be sent.
  (func (export "check-text") (param $pointer i32) (param $length i32)
    (call $check-bytes (local.get $pointer) (local.get $length))
    (call $utf-8 (local.get $pointer) (local.get $length)))

  (func $utf-8 (param $at i32) (param $left i32)
    (local $first i32) (local $second i32) (local $size i32) (local $low i32) (local $high i32)
    (loop $next
      (block $not-eight
        (loop $eight
          (br_if $not-eight (i32.lt_u (local.get $left) (i32.const 8)))
          (br_if $not-eight
            (i64.ne
              (i64.and (i64.load align=1 (local.get $at)) (i64.const 0x8080808080808080))
              (i64.const 0)))
          (local.set $at (i32.add (local.get $at) (i32.const 8)))
          (local.set $left (i32.sub (local.get $left) (i32.const 8)))
          (br $eight)))
      (if (i32.eqz (local.get $left)) (then (return)))
      ;; Four to seven bytes are two fours that may overlap.
      (if (i32.and
            (i32.ge_u (local.get $left) (i32.const 4))
            (i32.lt_u (local.get $left) (i32.const 8)))
        (then
          (if (i32.eqz
                (i32.and
                  (i32.or
                    (i32.load align=1 (local.get $at))
                    (i32.load align=1
                      (i32.sub (i32.add (local.get $at) (local.get $left)) (i32.const 4))))
                  (i32.const 0x80808080)))
            (then (return)))))
      (local.set $first (i32.load8_u (local.get $at)))
      (local.set $size (i32.const 1))
      (if (i32.ge_u (local.get $first) (i32.const 0x80))
        (then
          (if (i32.or
                (i32.lt_u (local.get $first) (i32.const 0xc2))
                (i32.gt_u (local.get $first) (i32.const 0xf4)))
            (then (call $refuse-text)))
          (local.set $size
            (i32.add
              (i32.const 2)
              (i32.add
                (i32.ge_u (local.get $first) (i32.const 0xe0))
                (i32.ge_u (local.get $first) (i32.const 0xf0)))))
          (if (i32.lt_u (local.get $left) (local.get $size))
            (then (call $refuse-text)))
          ;; The bounds of the second byte exclude long forms, surrogates, and what is above U+10FFFF.
          (local.set $low (i32.const 0x80))
          (local.set $high (i32.const 0xbf))
          (if (i32.eq (local.get $first) (i32.const 0xe0)) (then (local.set $low (i32.const 0xa0))))
          (if (i32.eq (local.get $first) (i32.const 0xed)) (then (local.set $high (i32.const 0x9f))))
          (if (i32.eq (local.get $first) (i32.const 0xf0)) (then (local.set $low (i32.const 0x90))))
          (if (i32.eq (local.get $first) (i32.const 0xf4)) (then (local.set $high (i32.const 0x8f))))
          (local.set $second (i32.load8_u offset=1 (local.get $at)))
          (if (i32.or
                (i32.lt_u (local.get $second) (local.get $low))
                (i32.gt_u (local.get $second) (local.get $high)))
            (then (call $refuse-text)))
          (if (i32.gt_u (local.get $size) (i32.const 2))
            (then
              (if (i32.ne
                    (i32.and (i32.load8_u offset=2 (local.get $at)) (i32.const 0xc0))
                    (i32.const 0x80))
                (then (call $refuse-text)))))
          (if (i32.gt_u (local.get $size) (i32.const 3))
            (then
              (if (i32.ne
                    (i32.and (i32.load8_u offset=3 (local.get $at)) (i32.const 0xc0))
                    (i32.const 0x80))
                (then (call $refuse-text)))))))
      (local.set $at (i32.add (local.get $at) (local.get $size)))
      (local.set $left (i32.sub (local.get $left) (local.get $size)))
      (br $next)))

  ;; Keeps the region away from this range, which must be inside of the memory before the memory grows.
  (func $avoid (export "avoid") (param $pointer i32) (param $length i32)
    (local $end i64)
    (local.set $end (call $end-of (local.get $pointer) (local.get $length)))
    (if (i64.gt_u (local.get $end) (call $memory-size))
      (then (call $refuse-range)))
    (if (i64.gt_u (local.get $end) (global.get $end))
      (then (global.set $end (local.get $end)))))

  ;; Plans to copy a string into the region, if `moves` is not 0.
  (func (export "plan") (param $pointer i32) (param $length i32) (param $moves i32)
    (call $avoid (local.get $pointer) (local.get $length))
    (if (local.get $moves)
      (then (global.set $need (i64.add (global.get $need) (call $padded (local.get $length)))))))

  ;; Returns 1 if a string that is not empty overlaps another range.
  (func (export "overlaps")
    (param $pointer i32) (param $length i32) (param $other i32) (param $other-length i32) (result i32)
    (i32.and
      (i32.and
        (i64.lt_u
          (i64.extend_i32_u (local.get $pointer))
          (call $end-of (local.get $other) (local.get $other-length)))
        (i64.lt_u
          (i64.extend_i32_u (local.get $other))
          (call $end-of (local.get $pointer) (local.get $length))))
      (i32.ne (local.get $length) (i32.const 0))))

  ;; Takes the end of the memory as the region, as far as it is free, and makes the memory larger by what is
  ;; missing. Returns 0 if it cannot become larger. No region of 4 GiB fits behind what is sent.
  (func (export "reserve") (result i32)
    (local $size i64) (local $free i64) (local $base i64)
    (local.set $size (global.get $need))
    (local.set $free (call $free-bytes (local.get $size)))
    (local.set $base (i64.sub (call $memory-size) (local.get $free)))
    (global.set $need (i64.const 0))
    (global.set $end (i64.const 0))
    (if (i64.lt_u (local.get $free) (local.get $size))
      (then
        (if (i32.eq
              (memory.grow
                (i32.wrap_i64
                  (i64.shr_u
                    (i64.add (i64.sub (local.get $size) (local.get $free)) (i64.const 0xffff))
                    (i64.const 16))))
              (i32.const -1))
          (then (return (i32.const 0))))))
    (global.set $base (i32.wrap_i64 (local.get $base)))
    (global.set $size (i32.wrap_i64 (local.get $size)))
    (global.set $free (global.get $base))
    (i32.const 1))

  ;; The number of bytes, at most this, at the end of the memory that are zeros and overlap nothing that is sent.
  ;; It is a multiple of 8.
  (func $free-bytes (param $most i64) (result i64)
    (local $free i64) (local $at i64)
    (local.set $at (call $memory-size))
    (block $done
      (loop $next
        (br_if $done (i64.eq (local.get $free) (local.get $most)))
        (local.set $at (i64.sub (local.get $at) (i64.const 8)))
        (br_if $done (i64.lt_s (local.get $at) (global.get $end)))
        (br_if $done (i64.ne (i64.load (i32.wrap_i64 (local.get $at))) (i64.const 0)))
        (local.set $free (i64.add (local.get $free) (i64.const 8)))
        (br $next)))
    (local.get $free))

  ;; Copies a string into the region, and returns its address there.
  (func $moved (export "moved") (param $pointer i32) (param $length i32) (result i32)
    (local $to i32)
    (local.set $to (global.get $free))
    (memory.copy (local.get $to) (local.get $pointer) (local.get $length))
    (global.set $free
      (i32.add (local.get $to) (i32.wrap_i64 (call $padded (local.get $length)))))
    (local.get $to))

  ;; Clears the region, if there is one.
  (func $restore (export "restore")
    (if (global.get $size)
      (then
        (memory.fill (global.get $base) (i32.const 0) (global.get $size))
        (global.set $size (i32.const 0)))))

  ;; The `realloc` of a function that is carried as strings. The engine calls it with an alignment of 2 for
  ;; strings only.
  (func (export "realloc")
    (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    ;; All parameters have been copied when the first result is.
    (call $restore)
    (call $settle)
    (if (i32.ne (local.get $align) (i32.const 2))
      (then
        (return
          (call $realloc
            (local.get $old) (local.get $old-size) (local.get $align) (local.get $size)))))
    (local.set $new
      (call $realloc (local.get $old) (local.get $old-size) (i32.const 1) (local.get $size)))
    (if (i32.and (local.get $new) (i32.const 1))
      (then
        (if (i64.gt_u (call $end-of (local.get $new) (local.get $size)) (call $memory-size))
          (then (call $refuse-allocation)))
        (global.set $odd (i64.or (global.get $odd) (global.get $next)))
        (local.set $new (i32.sub (local.get $new) (i32.const 1)))
        (global.set $byte (i32.load8_u (local.get $new)))
        (global.set $pending (local.get $new))
        (global.set $length (local.get $size))))
    (global.set $next (i64.shl (global.get $next) (i64.const 1)))
    (local.get $new))

  ;; Moves the last string to the odd address that the part has chosen.
  (func $settle
    (if (global.get $length)
      (then
        (memory.copy
          (i32.add (global.get $pending) (i32.const 1))
          (global.get $pending)
          (global.get $length))
        (i32.store8 (global.get $pending) (global.get $byte))
        (global.set $length (i32.const 0)))))

  ;; Ends receiving strings of which some have odd addresses. Returns a bit for each string, in their order:
  ;; 1 if its address is one too low.
  (func (export "received") (result i64)
    (call $settle)
    (global.get $odd)
    (global.set $odd (i64.const 0)))
)
