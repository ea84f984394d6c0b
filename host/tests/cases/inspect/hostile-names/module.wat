(module
  (import "a\1b[2K" "b\0aimport c" (func))
  (export "d\e2\80\ae\07" (func 0)))
