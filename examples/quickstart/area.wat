;; A component that imports an interface, `example:math/multiply`, and exports a function that uses it.
(component
  (import "example:math/multiply@1.0.0" (instance $multiply
    (export "mul" (func (param "a" u32) (param "b" u32) (result u32)))))

  (core func $mul (canon lower (func $multiply "mul")))
  (core module $area
    (import "multiply" "mul" (func $mul (param i32 i32) (result i32)))
    (func (export "area") (param $width i32) (param $height i32) (result i32)
      (call $mul (local.get $width) (local.get $height))))
  (core instance $area (instantiate $area
    (with "multiply" (instance (export "mul" (func $mul))))))

  (func (export "area") (param "width" u32) (param "height" u32) (result u32)
    (canon lift (core func $area "area"))))
