;; Names that erase the line, turn the direction of writing, and start lines of their own.
(module
  (func (@name "run\1b[2K\0aerror: `other` trapped: it is not me\0a  in `other`: f") (export "_start")
    call $inner)
  (func $inner (@name "\e2\80\aeesrever\e2\80\ac\07\c2\9b1A")
    unreachable))
