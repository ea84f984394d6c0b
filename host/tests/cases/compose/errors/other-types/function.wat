(component (import "f" (func $f)) (export "test:shapes/shape@1.0.0" (func $f)))
