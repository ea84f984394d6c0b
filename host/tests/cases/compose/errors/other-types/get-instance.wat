(component (import "source" (instance $i)) (export "get" (instance $i)))
