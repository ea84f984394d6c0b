;; A component that exports the interface `example:math/multiply`.
(component
  (core module $multiply
    (func (export "mul") (param $a i32) (param $b i32) (result i32)
      (i32.mul (local.get $a) (local.get $b))))
  (core instance $multiply (instantiate $multiply))

  (func $mul (param "a" u32) (param "b" u32) (result u32)
    (canon lift (core func $multiply "mul")))
  (instance $exported (export "mul" (func $mul)))
  (export "example:math/multiply@1.0.0" (instance $exported)))
