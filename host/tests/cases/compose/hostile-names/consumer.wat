(component
  (import "a:b/c" (instance (export "f" (func))))
  (import "url=<https://x\1b[2K\0aerror: \22forged\22>" (func)))
