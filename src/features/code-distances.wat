;; Hamming distances of one code to codes picked by row, with SIMD popcounts. The plain twin is plainDistance in
;; code-similarity.ts. The memory is the code table's own: codes row after row, and a scratch slot that holds the query,
;; the rows asked for and the distances found. A code is $bytes long, a multiple of 16 and at most 31 x 16 x 8 between
;; two widenings: a byte lane holds at most 31 popcounts of 8. Codes come from anywhere in memory: every stretch of 64 rows
;; is touched, a load per line, before it is worked on, so that the processor waits for many lines at once.
(module
  (import "table" "memory" (memory 1 65536 shared))
  (func (export "distances")
    (param $codes i32) (param $bytes i32) (param $query i32) (param $rows i32) (param $count i32) (param $out i32)
    (local $end i32) (local $a i32) (local $b i32) (local $left i32) (local $stretch i32)
    (local $sums v128) (local $lanes v128) (local $sink i32) (local $touched i32)
    (local.set $end (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $touched (local.get $rows))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $rows) (local.get $end)))
        (if (i32.eq (local.get $rows) (local.get $touched))
          (then
            (local.set $stretch (i32.add (local.get $rows) (i32.const 256)))
            (if (i32.gt_u (local.get $stretch) (local.get $end)) (then (local.set $stretch (local.get $end))))
            (loop $touch
              (local.set $a (i32.add (local.get $codes) (i32.mul (i32.load (local.get $touched)) (local.get $bytes))))
              (local.set $b (i32.add (local.get $a) (local.get $bytes)))
              (loop $lines
                (local.set $sink (i32.or (local.get $sink) (i32.load (local.get $a))))
                (local.set $a (i32.add (local.get $a) (i32.const 64)))
                (br_if $lines (i32.lt_u (local.get $a) (local.get $b))))
              (local.set $touched (i32.add (local.get $touched) (i32.const 4)))
              (br_if $touch (i32.lt_u (local.get $touched) (local.get $stretch))))))
        (local.set $a (i32.add (local.get $codes) (i32.mul (i32.load (local.get $rows)) (local.get $bytes))))
        (local.set $b (local.get $query))
        (local.set $left (local.get $bytes))
        (local.set $sums (v128.const i64x2 0 0))
        (block $codeDone
          (loop $widen
            (br_if $codeDone (i32.eqz (local.get $left)))
            (local.set $stretch (select (local.get $left) (i32.const 496) (i32.lt_u (local.get $left) (i32.const 496))))
            (local.set $left (i32.sub (local.get $left) (local.get $stretch)))
            (local.set $stretch (i32.add (local.get $a) (local.get $stretch)))
            (local.set $lanes (v128.const i64x2 0 0))
            (loop $vectors
              (local.set $lanes (i8x16.add (local.get $lanes)
                (i8x16.popcnt (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b))))))
              (local.set $a (i32.add (local.get $a) (i32.const 16)))
              (local.set $b (i32.add (local.get $b) (i32.const 16)))
              (br_if $vectors (i32.lt_u (local.get $a) (local.get $stretch))))
            (local.set $sums (i32x4.add (local.get $sums)
              (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $lanes)))))
            (br $widen)))
        (i32.store (local.get $out) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
          (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums)))))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
        (br $each)))
    ;; The touched words are of no meaning; behind the distances there is room for them.
    (i32.store (local.get $out) (local.get $sink))))
