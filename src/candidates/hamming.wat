;; Hamming scan over packed codes with SIMD popcounts (i8x16.popcnt). The plain twin is plainHits in exact-index.ts.
;;
;; The memory is the code table's own (features/code-table.ts): codes row after row, and a scratch slot per thread.
;; A code is `bytes` long, a multiple of 4: vectors of 16 bytes first, then words of 4.
;;
;; A byte lane may take at most 31 popcounts of 8 before it overflows, so every 31 vectors (a "stretch") lanes are
;; widened to 16 bits and summed.
(module
  (import "table" "memory" (memory 1 65536 shared))

  ;; Distance between the code at $a and the code at $b.
  (func $distance (param $a i32) (param $b i32) (param $bytes i32) (result i32)
    (local $sum i32) (local $lanes v128) (local $left i32) (local $stop i32) (local $vectorEnd i32)
    (local.set $vectorEnd (i32.add (local.get $a) (i32.and (local.get $bytes) (i32.const -16))))
    (local.set $left (i32.and (local.get $bytes) (i32.const 15)))
    (block $vectorsDone
      (loop $stretch
        (br_if $vectorsDone (i32.ge_u (local.get $a) (local.get $vectorEnd)))
        (local.set $lanes (v128.const i64x2 0 0))
        (local.set $stop (i32.add (local.get $a) (i32.const 448))) ;; 28 vectors: a multiple of the 4 unrolled below
        (if (i32.gt_u (local.get $stop) (local.get $vectorEnd)) (then (local.set $stop (local.get $vectorEnd))))
        (block $foursDone
          (loop $fours
            (br_if $foursDone (i32.gt_u (i32.add (local.get $a) (i32.const 64)) (local.get $stop)))
            (local.set $lanes (i8x16.add (local.get $lanes) (i8x16.add
              (i8x16.add
                (i8x16.popcnt (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b))))
                (i8x16.popcnt (v128.xor (v128.load offset=16 (local.get $a)) (v128.load offset=16 (local.get $b)))))
              (i8x16.add
                (i8x16.popcnt (v128.xor (v128.load offset=32 (local.get $a)) (v128.load offset=32 (local.get $b))))
                (i8x16.popcnt (v128.xor (v128.load offset=48 (local.get $a)) (v128.load offset=48 (local.get $b))))))))
            (local.set $a (i32.add (local.get $a) (i32.const 64)))
            (local.set $b (i32.add (local.get $b) (i32.const 64)))
            (br $fours)))
        (block $onesDone
          (loop $ones
            (br_if $onesDone (i32.ge_u (local.get $a) (local.get $stop)))
            (local.set $lanes (i8x16.add (local.get $lanes)
              (i8x16.popcnt (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b))))))
            (local.set $a (i32.add (local.get $a) (i32.const 16)))
            (local.set $b (i32.add (local.get $b) (i32.const 16)))
            (br $ones)))
        (local.set $lanes (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $lanes))))
        (local.set $sum (i32.add (local.get $sum) (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $lanes)) (i32x4.extract_lane 1 (local.get $lanes)))
          (i32.add (i32x4.extract_lane 2 (local.get $lanes)) (i32x4.extract_lane 3 (local.get $lanes))))))
        (br $stretch)))
    (block $wordsDone
      (loop $words
        (br_if $wordsDone (i32.eqz (local.get $left)))
        (local.set $sum (i32.add (local.get $sum)
          (i32.popcnt (i32.xor (i32.load (local.get $a)) (i32.load (local.get $b))))))
        (local.set $a (i32.add (local.get $a) (i32.const 4)))
        (local.set $b (i32.add (local.get $b) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $words)))
    (local.get $sum))

  ;; Scans rows $first .. $last against the query. Writes (row, distance) pairs of i32 at $hits for every row whose
  ;; distance is at most $bound. Returns how many; the caller makes room for all rows of the range.
  (func (export "scan")
    (param $codes i32) (param $bytes i32) (param $query i32) (param $first i32) (param $last i32)
    (param $bound i32) (param $hits i32) (result i32)
    (local $row i32) (local $at i32) (local $found i32) (local $distance i32)
    (local.set $row (local.get $first))
    (local.set $at (i32.add (local.get $codes) (i32.mul (local.get $first) (local.get $bytes))))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $row) (local.get $last)))
        (local.set $distance (call $distance (local.get $at) (local.get $query) (local.get $bytes)))
        (if (i32.le_u (local.get $distance) (local.get $bound)) (then
          (i32.store (local.get $hits) (local.get $row))
          (i32.store offset=4 (local.get $hits) (local.get $distance))
          (local.set $hits (i32.add (local.get $hits) (i32.const 8)))
          (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (local.get $bytes)))
        (br $rows)))
    (local.get $found)))
