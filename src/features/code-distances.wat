;; Hamming distances of a few codes to codes picked by row. The plain twin is plainDistance in code-similarity.ts. The memory is
;; the code table's own: codes row after row, and a scratch slot that holds the queries ($queries to $last, one after the other),
;; the rows asked for and the distances found, those of a row side by side. A code is $bytes long, a multiple of 32. Codes come
;; from anywhere in memory: every stretch of 64 rows is touched, a load per line, before it is worked on, so that the processor
;; waits for many lines at once; all queries are then compared while the rows are at hand.
(module
  (import "table" "memory" (memory 1 65536 shared))
  (func (export "distances")
    (param $codes i32) (param $bytes i32) (param $queries i32) (param $last i32) (param $rows i32) (param $count i32) (param $out i32)
    (local $end i32) (local $stretch i32) (local $at i32) (local $row i32) (local $rowEnd i32) (local $a i32) (local $b i32)
    (local $sum i64) (local $sink i32)
    (local.set $end (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $stretches
        (br_if $done (i32.ge_u (local.get $rows) (local.get $end)))
        (local.set $stretch (i32.add (local.get $rows) (i32.const 256)))
        (if (i32.gt_u (local.get $stretch) (local.get $end)) (then (local.set $stretch (local.get $end))))
        (local.set $at (local.get $rows))
        (loop $touch
          (local.set $row (i32.add (local.get $codes) (i32.mul (i32.load (local.get $at)) (local.get $bytes))))
          (local.set $rowEnd (i32.add (local.get $row) (local.get $bytes)))
          (loop $lines
            (local.set $sink (i32.or (local.get $sink) (i32.load (local.get $row))))
            (local.set $row (i32.add (local.get $row) (i32.const 64)))
            (br_if $lines (i32.lt_u (local.get $row) (local.get $rowEnd))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $touch (i32.lt_u (local.get $at) (local.get $stretch))))
        (loop $each
          (local.set $row (i32.add (local.get $codes) (i32.mul (i32.load (local.get $rows)) (local.get $bytes))))
          (local.set $rowEnd (i32.add (local.get $row) (local.get $bytes)))
          (local.set $b (local.get $queries))
          (loop $query
            (local.set $a (local.get $row))
            (local.set $sum (i64.const 0))
            (loop $words
              (local.set $sum (i64.add (local.get $sum) (i64.add
                (i64.add
                  (i64.popcnt (i64.xor (i64.load (local.get $a)) (i64.load (local.get $b))))
                  (i64.popcnt (i64.xor (i64.load offset=8 (local.get $a)) (i64.load offset=8 (local.get $b)))))
                (i64.add
                  (i64.popcnt (i64.xor (i64.load offset=16 (local.get $a)) (i64.load offset=16 (local.get $b))))
                  (i64.popcnt (i64.xor (i64.load offset=24 (local.get $a)) (i64.load offset=24 (local.get $b))))))))
              (local.set $a (i32.add (local.get $a) (i32.const 32)))
              (local.set $b (i32.add (local.get $b) (i32.const 32)))
              (br_if $words (i32.lt_u (local.get $a) (local.get $rowEnd))))
            (i32.store (local.get $out) (i32.wrap_i64 (local.get $sum)))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))
            (br_if $query (i32.lt_u (local.get $b) (local.get $last))))
          (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
          (br_if $each (i32.lt_u (local.get $rows) (local.get $stretch))))
        (br $stretches)))
    ;; The touched words are of no meaning; behind the distances there is room for them.
    (i32.store (local.get $out) (local.get $sink))))
