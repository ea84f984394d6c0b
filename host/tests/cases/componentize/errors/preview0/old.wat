(module
  (import "wasi_unstable" "proc_exit" (func (param i32)))
  (func (export "_start")))
