;; The two nearest of one set of 256-bit descriptors to each of another, by Hamming distance (i8x16.popcnt). The plain twin is
;; plainPairs in descriptor-matches.ts.
;;
;; The memory holds both sets, 32 bytes a descriptor, and behind them the results: nearest index, its distance, distance of
;; the second nearest, three i32 for each of the first set. Of equal distances the lower index is the nearest.
(module
  (import "sets" "memory" (memory 1))
  (func (export "match")
    (param $a i32) (param $aCount i32) (param $b i32) (param $bCount i32) (param $out i32)
    (local $x v128) (local $y v128) (local $sums v128)
    (local $at i32) (local $j i32) (local $distance i32) (local $best i32) (local $second i32) (local $index i32)
    (block $done
      (br_if $done (i32.or (i32.eqz (local.get $aCount)) (i32.eqz (local.get $bCount))))
      (loop $each
        (local.set $x (v128.load (local.get $a)))
        (local.set $y (v128.load offset=16 (local.get $a)))
        (local.set $best (i32.const 257))
        (local.set $second (i32.const 257))
        (local.set $index (i32.const 0))
        (local.set $at (local.get $b))
        (local.set $j (i32.const 0))
        (loop $others
          ;; A byte lane holds at most 16.
          (local.set $sums
            (i8x16.add
              (i8x16.popcnt (v128.xor (local.get $x) (v128.load (local.get $at))))
              (i8x16.popcnt (v128.xor (local.get $y) (v128.load offset=16 (local.get $at))))))
          (local.set $sums (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $sums))))
          (local.set $sums
            (i32x4.add (local.get $sums)
              (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $sums) (local.get $sums))))
          (local.set $distance
            (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums))))
          (if (i32.lt_u (local.get $distance) (local.get $second))
            (then
              (if (i32.lt_u (local.get $distance) (local.get $best))
                (then
                  (local.set $second (local.get $best))
                  (local.set $best (local.get $distance))
                  (local.set $index (local.get $j)))
                (else (local.set $second (local.get $distance))))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $j (i32.add (local.get $j) (i32.const 1)))
          (br_if $others (i32.lt_u (local.get $j) (local.get $bCount))))
        (i32.store (local.get $out) (local.get $index))
        (i32.store offset=4 (local.get $out) (local.get $best))
        (i32.store offset=8 (local.get $out) (local.get $second))
        (local.set $out (i32.add (local.get $out) (i32.const 12)))
        (local.set $a (i32.add (local.get $a) (i32.const 32)))
        (local.set $aCount (i32.sub (local.get $aCount) (i32.const 1)))
        (br_if $each (local.get $aCount))))))
