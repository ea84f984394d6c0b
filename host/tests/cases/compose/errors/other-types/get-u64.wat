(component (import "source" (func $f (result u64))) (export "get" (func $f)))
