;; Dot products of one query with rows of class scores picked by index, in whole numbers: the plain twin is byteDot in
;; score-bytes.ts. A row takes $bytes, a multiple of 64: signed bytes, filled up with zeros, and in the last four the sum of
;; its squares, which is handed out beside the dot product. The query is in 16 bits and zero where a row holds no score.
;; Rows come from anywhere in memory: every stretch of 64 rows is touched, a load per line, before it is worked on, so that
;; the processor waits for many lines at once and not for one after the other.
(module
  (import "scores" "memory" (memory 1 65536 shared))
  (func (export "dots") (param $base i32) (param $bytes i32) (param $query i32) (param $rows i32) (param $count i32) (param $out i32)
    (local $end i32) (local $stretch i32) (local $at i32) (local $row i32) (local $rowEnd i32) (local $q i32) (local $sink i32)
    (local $scores v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $rows) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $stretches
        (br_if $done (i32.ge_u (local.get $rows) (local.get $end)))
        (local.set $stretch (i32.add (local.get $rows) (i32.const 256)))
        (if (i32.gt_u (local.get $stretch) (local.get $end)) (then (local.set $stretch (local.get $end))))
        (local.set $at (local.get $rows))
        (loop $touch
          (local.set $row (i32.add (local.get $base) (i32.mul (i32.load (local.get $at)) (local.get $bytes))))
          (local.set $rowEnd (i32.add (local.get $row) (local.get $bytes)))
          (loop $lines
            (local.set $sink (i32.or (local.get $sink) (i32.load (local.get $row))))
            (local.set $row (i32.add (local.get $row) (i32.const 64)))
            (br_if $lines (i32.lt_u (local.get $row) (local.get $rowEnd))))
          (local.set $at (i32.add (local.get $at) (i32.const 4)))
          (br_if $touch (i32.lt_u (local.get $at) (local.get $stretch))))
        (loop $each
          (local.set $row (i32.add (local.get $base) (i32.mul (i32.load (local.get $rows)) (local.get $bytes))))
          (local.set $rowEnd (i32.add (local.get $row) (local.get $bytes)))
          (local.set $q (local.get $query))
          (local.set $low (v128.const i64x2 0 0))
          (local.set $high (v128.const i64x2 0 0))
          (loop $sixteen
            (local.set $scores (v128.load (local.get $row)))
            (local.set $low (i32x4.add (local.get $low)
              (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $scores)) (v128.load (local.get $q)))))
            (local.set $high (i32x4.add (local.get $high)
              (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $scores)) (v128.load offset=16 (local.get $q)))))
            (local.set $q (i32.add (local.get $q) (i32.const 32)))
            (local.set $row (i32.add (local.get $row) (i32.const 16)))
            (br_if $sixteen (i32.lt_u (local.get $row) (local.get $rowEnd))))
          (local.set $low (i32x4.add (local.get $low) (local.get $high)))
          (i32.store (local.get $out) (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $low)) (i32x4.extract_lane 1 (local.get $low)))
            (i32.add (i32x4.extract_lane 2 (local.get $low)) (i32x4.extract_lane 3 (local.get $low)))))
          (i32.store offset=4 (local.get $out) (i32.load (i32.sub (local.get $rowEnd) (i32.const 4))))
          (local.set $out (i32.add (local.get $out) (i32.const 8)))
          (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
          (br_if $each (i32.lt_u (local.get $rows) (local.get $stretch))))
        (br $stretches)))
    ;; The touched words are of no meaning; they are kept so that the loads stay.
    (i32.store (i32.const 0) (local.get $sink))))
