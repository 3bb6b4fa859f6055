;; Adds the scores of one list to the votes of its pins, in the order of the list. The plain twin is plainVotes in test/lists/home-blend.test.ts.
;;
;; $count pins (i32) lie at $pins, their scores (f32) at $scores. Every pin that was met has a row: its pin at $rowPins, the sum of its
;; votes at $sums, the greatest one at $best (both f64) and who gave that at $bestQuery. $slots holds rows, -1 where none is: open
;; addressing over 32 - $shift bits, at most half full. Rows below $first get no votes. Returns how many rows there are, $rows of them before.
(module
  (memory (export "memory") 1)
  (func (export "add")
    (param $pins i32) (param $scores i32) (param $count i32) (param $weight f64) (param $query i32)
    (param $slots i32) (param $shift i32) (param $rowPins i32) (param $sums i32) (param $best i32) (param $bestQuery i32)
    (param $first i32) (param $rows i32) (result i32)
    (local $end i32) (local $pin i32) (local $at i32) (local $mask i32) (local $row i32) (local $vote f64)
    (local.set $end (i32.add (local.get $pins) (i32.shl (local.get $count) (i32.const 2))))
    (local.set $mask (i32.shr_u (i32.const -1) (local.get $shift)))
    (block $done
      (loop $each
        (br_if $done (i32.ge_u (local.get $pins) (local.get $end)))
        (local.set $pin (i32.load (local.get $pins)))
        (local.set $vote (f64.mul (local.get $weight) (f64.promote_f32 (f32.load (local.get $scores)))))
        (local.set $pins (i32.add (local.get $pins) (i32.const 4)))
        (local.set $scores (i32.add (local.get $scores) (i32.const 4)))
        ;; SPREAD of row-table.ts.
        (local.set $at (i32.shr_u (i32.mul (local.get $pin) (i32.const 0x9e3779b1)) (local.get $shift)))
        (block $found
          (block $free
            (loop $probe
              (local.set $row (i32.load (i32.add (local.get $slots) (i32.shl (local.get $at) (i32.const 2)))))
              (br_if $free (i32.lt_s (local.get $row) (i32.const 0)))
              (br_if $found (i32.eq
                (i32.load (i32.add (local.get $rowPins) (i32.shl (local.get $row) (i32.const 2)))) (local.get $pin)))
              (local.set $at (i32.and (i32.add (local.get $at) (i32.const 1)) (local.get $mask)))
              (br $probe)))
          (i32.store (i32.add (local.get $slots) (i32.shl (local.get $at) (i32.const 2))) (local.get $rows))
          (i32.store (i32.add (local.get $rowPins) (i32.shl (local.get $rows) (i32.const 2))) (local.get $pin))
          ;; As any sum that begins at zero.
          (f64.store (i32.add (local.get $sums) (i32.shl (local.get $rows) (i32.const 3))) (f64.add (f64.const 0) (local.get $vote)))
          (f64.store (i32.add (local.get $best) (i32.shl (local.get $rows) (i32.const 3))) (local.get $vote))
          (i32.store (i32.add (local.get $bestQuery) (i32.shl (local.get $rows) (i32.const 2))) (local.get $query))
          (local.set $rows (i32.add (local.get $rows) (i32.const 1)))
          (br $each))
        (br_if $each (i32.lt_s (local.get $row) (local.get $first)))
        (local.set $at (i32.add (local.get $sums) (i32.shl (local.get $row) (i32.const 3))))
        (f64.store (local.get $at) (f64.add (f64.load (local.get $at)) (local.get $vote)))
        (local.set $at (i32.add (local.get $best) (i32.shl (local.get $row) (i32.const 3))))
        (br_if $each (i32.eqz (f64.gt (local.get $vote) (f64.load (local.get $at)))))
        (f64.store (local.get $at) (local.get $vote))
        (i32.store (i32.add (local.get $bestQuery) (i32.shl (local.get $row) (i32.const 2))) (local.get $query))
        (br $each)))
    (local.get $rows)))
