;; Hamming scan over packed codes with SIMD popcounts (i8x16.popcnt). The plain twin is plainNeighbors in exact-index.ts.
;;
;; The memory is the code table's own (features/code-table.ts): codes row after row, and a scratch slot per thread.
;; A code is $bytes long, a multiple of 4: blocks of 8 vectors of 16 bytes first, then single vectors, then words of 4.
;;
;; A block is added up by carry-save adders (Harley and Seal; Warren, Hacker's Delight, 5-1): bit by bit, $ones, $twos and
;; $fours hold the digits of how many of the vectors so far had a one, and only what carries out of $fours, an "eight",
;; is counted. One popcount for eight vectors instead of eight. An adder of x, y and w gives
;;   low digit x ^ y ^ w,   carry = (x ^ y) ? w : x     (a bitselect).
;;
;; A byte lane holds at most 31 popcounts of 8, so blocks come in stretches of 31 at most.
(module
  (import "table" "memory" (memory 1 65536 shared))

  ;; Scans rows $first up to $last against the query. Writes (row, distance) pairs of i32 at $hits for every row whose
  ;; distance is at most $bound. Returns how many; the caller makes room for all rows of the range.
  ;; One function on purpose: the engine does not inline calls, and one call per row costs a third of the scan.
  (func (export "scan")
    (param $codes i32) (param $bytes i32) (param $query i32) (param $first i32) (param $last i32)
    (param $bound i32) (param $hits i32) (result i32)
    (local $row i32) (local $found i32) (local $distance i32)
    (local $a i32) (local $b i32) (local $left i32) (local $stop i32)
    (local $sums v128) (local $lanes v128) (local $ones v128) (local $twos v128) (local $fours v128)
    (local $twoA v128) (local $twoB v128) (local $fourA v128) (local $fourB v128) (local $eight v128)
    (local $x v128) (local $u v128) (local $w v128)
    (local.set $row (local.get $first))
    (local.set $a (i32.add (local.get $codes) (i32.mul (local.get $first) (local.get $bytes))))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $row) (local.get $last)))
        (local.set $b (local.get $query))
        (local.set $left (local.get $bytes))
        (local.set $sums (v128.const i64x2 0 0))
        (block $blocksDone
          (loop $stretch
            (br_if $blocksDone (i32.lt_u (local.get $left) (i32.const 128)))
            (local.set $stop (i32.const 3968)) ;; 31 blocks
            (if (i32.lt_u (local.get $left) (local.get $stop))
              (then (local.set $stop (i32.and (local.get $left) (i32.const -128)))))
            (local.set $left (i32.sub (local.get $left) (local.get $stop)))
            (local.set $stop (i32.add (local.get $a) (local.get $stop)))
            (local.set $lanes (v128.const i64x2 0 0))
            (local.set $ones (v128.const i64x2 0 0))
            (local.set $twos (v128.const i64x2 0 0))
            (local.set $fours (v128.const i64x2 0 0))
            (loop $blocks
              ;; vectors 0 to 3
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=16 (local.get $a)) (v128.load offset=16 (local.get $b))))
              (local.set $twoA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=32 (local.get $a)) (v128.load offset=32 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=48 (local.get $a)) (v128.load offset=48 (local.get $b))))
              (local.set $twoB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $twos))
              (local.set $u (v128.xor (local.get $x) (local.get $twoA)))
              (local.set $w (local.get $twoB))
              (local.set $fourA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $twos (v128.xor (local.get $u) (local.get $w)))
              ;; vectors 4 to 7
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=64 (local.get $a)) (v128.load offset=64 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=80 (local.get $a)) (v128.load offset=80 (local.get $b))))
              (local.set $twoA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=96 (local.get $a)) (v128.load offset=96 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=112 (local.get $a)) (v128.load offset=112 (local.get $b))))
              (local.set $twoB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $twos))
              (local.set $u (v128.xor (local.get $x) (local.get $twoA)))
              (local.set $w (local.get $twoB))
              (local.set $fourB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $twos (v128.xor (local.get $u) (local.get $w)))
              ;; both fours
              (local.set $x (local.get $fours))
              (local.set $u (v128.xor (local.get $x) (local.get $fourA)))
              (local.set $w (local.get $fourB))
              (local.set $eight (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $fours (v128.xor (local.get $u) (local.get $w)))
              (local.set $lanes (i8x16.add (local.get $lanes) (i8x16.popcnt (local.get $eight))))
              (local.set $a (i32.add (local.get $a) (i32.const 128)))
              (local.set $b (i32.add (local.get $b) (i32.const 128)))
              (br_if $blocks (i32.lt_u (local.get $a) (local.get $stop))))
            ;; 8 x eights + (4 x fours + 2 x twos + ones); the bracket fits a byte: at most 8 x 7.
            (local.set $sums (i32x4.add (local.get $sums) (i32x4.add
              (i32x4.shl (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $lanes))) (i32.const 3))
              (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (i8x16.add
                (i8x16.popcnt (local.get $ones))
                (i8x16.add
                  (i8x16.shl (i8x16.popcnt (local.get $twos)) (i32.const 1))
                  (i8x16.shl (i8x16.popcnt (local.get $fours)) (i32.const 2)))))))))
            (br $stretch)))
        (local.set $lanes (v128.const i64x2 0 0))
        (block $vectorsDone
          (loop $vectors
            (br_if $vectorsDone (i32.lt_u (local.get $left) (i32.const 16)))
            (local.set $lanes (i8x16.add (local.get $lanes)
              (i8x16.popcnt (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b))))))
            (local.set $a (i32.add (local.get $a) (i32.const 16)))
            (local.set $b (i32.add (local.get $b) (i32.const 16)))
            (local.set $left (i32.sub (local.get $left) (i32.const 16)))
            (br $vectors)))
        (local.set $sums (i32x4.add (local.get $sums)
          (i32x4.extadd_pairwise_i16x8_u (i16x8.extadd_pairwise_i8x16_u (local.get $lanes)))))
        (local.set $distance (i32.add
          (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
          (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums)))))
        (block $wordsDone
          (loop $words
            (br_if $wordsDone (i32.eqz (local.get $left)))
            (local.set $distance (i32.add (local.get $distance)
              (i32.popcnt (i32.xor (i32.load (local.get $a)) (i32.load (local.get $b))))))
            (local.set $a (i32.add (local.get $a) (i32.const 4)))
            (local.set $b (i32.add (local.get $b) (i32.const 4)))
            (local.set $left (i32.sub (local.get $left) (i32.const 4)))
            (br $words)))
        (if (i32.le_u (local.get $distance) (local.get $bound)) (then
          (i32.store (local.get $hits) (local.get $row))
          (i32.store offset=4 (local.get $hits) (local.get $distance))
          (local.set $hits (i32.add (local.get $hits) (i32.const 8)))
          (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $rows)))
    (local.get $found))

  ;; The same for codes of a multiple of 512 bytes. Of each 512 bytes the vector units count 384 (three blocks), the integer
  ;; units at the same time the other 128 (words of 8 bytes, $p and $q): both have something to do, and a row takes a
  ;; quarter less time than by vectors alone. Measured with the codes in cache, a million rows of 512 bytes: 26 ms, 34 by
  ;; vectors alone, 52 by integers alone.
  (func (export "scanStretches")
    (param $codes i32) (param $bytes i32) (param $query i32) (param $first i32) (param $last i32)
    (param $bound i32) (param $hits i32) (result i32)
    (local $row i32) (local $found i32) (local $distance i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $stop i32) (local $end i32) (local $p i64) (local $q i64)
    (local $sums v128) (local $lanes v128) (local $ones v128) (local $twos v128) (local $fours v128)
    (local $twoA v128) (local $twoB v128) (local $fourA v128) (local $fourB v128) (local $eight v128)
    (local $x v128) (local $u v128) (local $w v128)
    (local.set $row (local.get $first))
    (local.set $a (i32.add (local.get $codes) (i32.mul (local.get $first) (local.get $bytes))))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $row) (local.get $last)))
        (local.set $b (local.get $query))
        (local.set $end (i32.add (local.get $a) (local.get $bytes)))
        (local.set $p (i64.const 0))
        (local.set $q (i64.const 0))
        (local.set $sums (v128.const i64x2 0 0))
        (loop $stretch
          (local.set $stop (i32.add (local.get $a) (i32.const 384)))
          (local.set $c (local.get $stop))
          (local.set $d (i32.add (local.get $b) (i32.const 384)))
          (local.set $lanes (v128.const i64x2 0 0))
          (local.set $ones (v128.const i64x2 0 0))
          (local.set $twos (v128.const i64x2 0 0))
          (local.set $fours (v128.const i64x2 0 0))
          (loop $blocks
              ;; vectors 0 to 3
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load (local.get $a)) (v128.load (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=16 (local.get $a)) (v128.load offset=16 (local.get $b))))
              (local.set $twoA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $p (i64.add (local.get $p) (i64.popcnt (i64.xor (i64.load (local.get $c)) (i64.load (local.get $d))))))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=32 (local.get $a)) (v128.load offset=32 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=48 (local.get $a)) (v128.load offset=48 (local.get $b))))
              (local.set $twoB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $q (i64.add (local.get $q) (i64.popcnt (i64.xor (i64.load offset=8 (local.get $c)) (i64.load offset=8 (local.get $d))))))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $twos))
              (local.set $u (v128.xor (local.get $x) (local.get $twoA)))
              (local.set $w (local.get $twoB))
              (local.set $fourA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $twos (v128.xor (local.get $u) (local.get $w)))
              ;; vectors 4 to 7
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=64 (local.get $a)) (v128.load offset=64 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=80 (local.get $a)) (v128.load offset=80 (local.get $b))))
              (local.set $twoA (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $p (i64.add (local.get $p) (i64.popcnt (i64.xor (i64.load offset=16 (local.get $c)) (i64.load offset=16 (local.get $d))))))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $ones))
              (local.set $u (v128.xor (local.get $x) (v128.xor (v128.load offset=96 (local.get $a)) (v128.load offset=96 (local.get $b)))))
              (local.set $w (v128.xor (v128.load offset=112 (local.get $a)) (v128.load offset=112 (local.get $b))))
              (local.set $twoB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $ones (v128.xor (local.get $u) (local.get $w)))
              (local.set $x (local.get $twos))
              (local.set $u (v128.xor (local.get $x) (local.get $twoA)))
              (local.set $w (local.get $twoB))
              (local.set $fourB (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $q (i64.add (local.get $q) (i64.popcnt (i64.xor (i64.load offset=24 (local.get $c)) (i64.load offset=24 (local.get $d))))))
              (local.set $twos (v128.xor (local.get $u) (local.get $w)))
              ;; both fours
              (local.set $x (local.get $fours))
              (local.set $u (v128.xor (local.get $x) (local.get $fourA)))
              (local.set $w (local.get $fourB))
              (local.set $eight (v128.bitselect (local.get $w) (local.get $x) (local.get $u)))
              (local.set $fours (v128.xor (local.get $u) (local.get $w)))
              (local.set $lanes (i8x16.add (local.get $lanes) (i8x16.popcnt (local.get $eight))))
              (local.set $a (i32.add (local.get $a) (i32.const 128)))
              (local.set $b (i32.add (local.get $b) (i32.const 128)))
              (local.set $c (i32.add (local.get $c) (i32.const 32)))
              (local.set $d (i32.add (local.get $d) (i32.const 32)))
              (br_if $blocks (i32.lt_u (local.get $a) (local.get $stop))))
          ;; the last four words
          (local.set $p (i64.add (local.get $p) (i64.popcnt (i64.xor (i64.load (local.get $c)) (i64.load (local.get $d))))))
          (local.set $q (i64.add (local.get $q) (i64.popcnt (i64.xor (i64.load offset=8 (local.get $c)) (i64.load offset=8 (local.get $d))))))
          (local.set $p (i64.add (local.get $p) (i64.popcnt (i64.xor (i64.load offset=16 (local.get $c)) (i64.load offset=16 (local.get $d))))))
          (local.set $q (i64.add (local.get $q) (i64.popcnt (i64.xor (i64.load offset=24 (local.get $c)) (i64.load offset=24 (local.get $d))))))
          ;; 8 x eights + (4 x fours + 2 x twos + ones), in lanes of 16 bits: at most 8 x 48 + 2 x 56.
          (local.set $sums (i32x4.add (local.get $sums) (i32x4.extadd_pairwise_i16x8_u (i16x8.add
            (i16x8.shl (i16x8.extadd_pairwise_i8x16_u (local.get $lanes)) (i32.const 3))
            (i16x8.extadd_pairwise_i8x16_u (i8x16.add
              (i8x16.popcnt (local.get $ones))
              (i8x16.add
                (i8x16.shl (i8x16.popcnt (local.get $twos)) (i32.const 1))
                (i8x16.shl (i8x16.popcnt (local.get $fours)) (i32.const 2)))))))))
          (local.set $a (i32.add (local.get $a) (i32.const 128)))
          (local.set $b (i32.add (local.get $b) (i32.const 128)))
          (br_if $stretch (i32.lt_u (local.get $a) (local.get $end))))
        (local.set $distance (i32.add
          (i32.wrap_i64 (i64.add (local.get $p) (local.get $q)))
          (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $sums)) (i32x4.extract_lane 1 (local.get $sums)))
            (i32.add (i32x4.extract_lane 2 (local.get $sums)) (i32x4.extract_lane 3 (local.get $sums))))))
        (if (i32.le_u (local.get $distance) (local.get $bound)) (then
          (i32.store (local.get $hits) (local.get $row))
          (i32.store offset=4 (local.get $hits) (local.get $distance))
          (local.set $hits (i32.add (local.get $hits) (i32.const 8)))
          (local.set $found (i32.add (local.get $found) (i32.const 1)))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $rows)))
    (local.get $found)))
