;; Scores of an affine model over feature columns, eight rows at a time in double precision. The plain twin is plainScores
;; in affine-scores.ts: every row's terms are added in the same order by the same operations, so the bits agree.
;;
;; A term takes 32 bytes: weight f64, offset f64, scale f64, column i32 (its address; 0: the term is the same in every row
;; and stands where the weight would be), unused i32. $rows is a multiple of 8; the scores are f64 at $out.
(module
  (import "columns" "memory" (memory 0))
  (func (export "scores") (param $terms i32) (param $end i32) (param $rows i32) (param $out i32)
    (local $row i32) (local $term i32) (local $at i32) (local $low v128) (local $high v128)
    (local $weight v128) (local $offset v128) (local $scale v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (block $done
      (loop $eight
        (br_if $done (i32.ge_u (local.get $row) (local.get $rows)))
        (local.set $a (v128.const f64x2 0 0))
        (local.set $b (v128.const f64x2 0 0))
        (local.set $c (v128.const f64x2 0 0))
        (local.set $d (v128.const f64x2 0 0))
        (local.set $term (local.get $terms))
        (block $added
          (loop $each
            (br_if $added (i32.ge_u (local.get $term) (local.get $end)))
            (local.set $weight (v128.load64_splat (local.get $term)))
            (local.set $at (i32.load offset=24 (local.get $term)))
            (if (i32.eqz (local.get $at))
              (then
                (local.set $a (f64x2.add (local.get $a) (local.get $weight)))
                (local.set $b (f64x2.add (local.get $b) (local.get $weight)))
                (local.set $c (f64x2.add (local.get $c) (local.get $weight)))
                (local.set $d (f64x2.add (local.get $d) (local.get $weight))))
              (else
                (local.set $offset (v128.load64_splat offset=8 (local.get $term)))
                (local.set $scale (v128.load64_splat offset=16 (local.get $term)))
                (local.set $at (i32.add (local.get $at) (i32.shl (local.get $row) (i32.const 2))))
                (local.set $low (v128.load (local.get $at)))
                (local.set $high (v128.load offset=16 (local.get $at)))
                (local.set $a (f64x2.add (local.get $a) (f64x2.mul (local.get $weight) (f64x2.mul (local.get $scale)
                  (f64x2.sub (f64x2.promote_low_f32x4 (local.get $low)) (local.get $offset))))))
                (local.set $b (f64x2.add (local.get $b) (f64x2.mul (local.get $weight) (f64x2.mul (local.get $scale)
                  (f64x2.sub (f64x2.promote_low_f32x4
                    (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $low) (local.get $low))) (local.get $offset))))))
                (local.set $c (f64x2.add (local.get $c) (f64x2.mul (local.get $weight) (f64x2.mul (local.get $scale)
                  (f64x2.sub (f64x2.promote_low_f32x4 (local.get $high)) (local.get $offset))))))
                (local.set $d (f64x2.add (local.get $d) (f64x2.mul (local.get $weight) (f64x2.mul (local.get $scale)
                  (f64x2.sub (f64x2.promote_low_f32x4
                    (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15 (local.get $high) (local.get $high))) (local.get $offset))))))))
            (local.set $term (i32.add (local.get $term) (i32.const 32)))
            (br $each)))
        (local.set $at (i32.add (local.get $out) (i32.shl (local.get $row) (i32.const 3))))
        (v128.store (local.get $at) (local.get $a))
        (v128.store offset=16 (local.get $at) (local.get $b))
        (v128.store offset=32 (local.get $at) (local.get $c))
        (v128.store offset=48 (local.get $at) (local.get $d))
        (local.set $row (i32.add (local.get $row) (i32.const 8)))
        (br $eight)))))
