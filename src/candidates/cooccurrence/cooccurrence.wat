;; The two inner loops of co-occurrence counting. The plain twin is RowCounter in board-cooccurrence.ts; the sums are the
;; same to the bit, because boards come in the same order.
;;
;; add...: for the boards at $at .. $end (u32 ordinals), adds up the pins of each board. A pin met for the first time (its
;; sum was 0) is written to $touched: always written, the place moves on only when it was new, so there is no branch.
;; Returns the end of the touched pins.
;;
;; sample...: writes the products (sum times factor, f64) of every $step-th byte of the touched pins at $t .. $end to $out. Returns the end of
;; what was written.
;;
;; near...: takes the sums of the touched pins at $t .. $end, sets them back to 0, and writes to $out those whose sum times
;; factor (f32 per pin) is at least $least. Returns the end of what was written.
(module
  (import "table" "memory" (memory 1 65536 shared))

  ;; Every shared board adds 1; sums are u16.
  (func (export "addOnes")
    (param $at i32) (param $end i32) (param $boardStart i32) (param $boardPins i32) (param $sums i32) (param $touched i32)
    (result i32)
    (local $p i32) (local $pinsEnd i32) (local $board i32) (local $j i32) (local $sum i32) (local $slot i32)
    (block $done
      (loop $boards
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $board (i32.add (local.get $boardStart) (i32.shl (i32.load (local.get $at)) (i32.const 2))))
        (local.set $p (i32.add (local.get $boardPins) (i32.shl (i32.load (local.get $board)) (i32.const 2))))
        (local.set $pinsEnd (i32.add (local.get $boardPins) (i32.shl (i32.load offset=4 (local.get $board)) (i32.const 2))))
        (block $pinsDone
          (loop $pins
            (br_if $pinsDone (i32.ge_u (local.get $p) (local.get $pinsEnd)))
            (local.set $j (i32.load (local.get $p)))
            (local.set $slot (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 1))))
            (local.set $sum (i32.load16_u (local.get $slot)))
            (i32.store16 (local.get $slot) (i32.add (local.get $sum) (i32.const 1)))
            (i32.store (local.get $touched) (local.get $j))
            (local.set $touched (i32.add (local.get $touched) (i32.shl (i32.eqz (local.get $sum)) (i32.const 2))))
            (local.set $p (i32.add (local.get $p) (i32.const 4)))
            (br $pins)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $boards)))
    (local.get $touched))

  (func (export "sampleOnes")
    (param $t i32) (param $end i32) (param $step i32) (param $sums i32) (param $factors i32) (param $out i32)
    (result i32)
    (local $j i32)
    (block $done
      (loop $pins
        (br_if $done (i32.ge_u (local.get $t) (local.get $end)))
        (local.set $j (i32.load (local.get $t)))
        (f64.store (local.get $out) (f64.mul
          (f64.convert_i32_u (i32.load16_u (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 1)))))
          (f64.promote_f32 (f32.load (i32.add (local.get $factors) (i32.shl (local.get $j) (i32.const 2)))))))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $t (i32.add (local.get $t) (local.get $step)))
        (br $pins)))
    (local.get $out))

  ;; Writes (pin u32, sum u32) pairs.
  (func (export "nearOnes")
    (param $t i32) (param $end i32) (param $sums i32) (param $factors i32) (param $least f64) (param $out i32)
    (result i32)
    (local $j i32) (local $sum i32) (local $slot i32)
    (block $done
      (loop $pins
        (br_if $done (i32.ge_u (local.get $t) (local.get $end)))
        (local.set $j (i32.load (local.get $t)))
        (local.set $slot (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 1))))
        (local.set $sum (i32.load16_u (local.get $slot)))
        (i32.store16 (local.get $slot) (i32.const 0))
        (i32.store (local.get $out) (local.get $j))
        (i32.store offset=4 (local.get $out) (local.get $sum))
        (local.set $out (i32.add (local.get $out) (i32.shl
          (f64.ge
            (f64.mul
              (f64.convert_i32_u (local.get $sum))
              (f64.promote_f32 (f32.load (i32.add (local.get $factors) (i32.shl (local.get $j) (i32.const 2))))))
            (local.get $least))
          (i32.const 3))))
        (local.set $t (i32.add (local.get $t) (i32.const 4)))
        (br $pins)))
    (local.get $out))

  ;; Board b adds the f64 at $weights + 8 b, boards of weight 0 are passed over; sums are f64.
  (func (export "addWeights")
    (param $at i32) (param $end i32) (param $boardStart i32) (param $boardPins i32) (param $sums i32) (param $touched i32)
    (param $weights i32) (result i32)
    (local $p i32) (local $pinsEnd i32) (local $board i32) (local $j i32) (local $slot i32)
    (local $sum f64) (local $weight f64)
    (block $done
      (loop $boards
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $weight (f64.load (i32.add (local.get $weights) (i32.shl (i32.load (local.get $at)) (i32.const 3)))))
        (local.set $board (i32.add (local.get $boardStart) (i32.shl (i32.load (local.get $at)) (i32.const 2))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br_if $boards (f64.eq (local.get $weight) (f64.const 0)))
        (local.set $p (i32.add (local.get $boardPins) (i32.shl (i32.load (local.get $board)) (i32.const 2))))
        (local.set $pinsEnd (i32.add (local.get $boardPins) (i32.shl (i32.load offset=4 (local.get $board)) (i32.const 2))))
        (block $pinsDone
          (loop $pins
            (br_if $pinsDone (i32.ge_u (local.get $p) (local.get $pinsEnd)))
            (local.set $j (i32.load (local.get $p)))
            (local.set $slot (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 3))))
            (local.set $sum (f64.load (local.get $slot)))
            (f64.store (local.get $slot) (f64.add (local.get $sum) (local.get $weight)))
            (i32.store (local.get $touched) (local.get $j))
            (local.set $touched (i32.add (local.get $touched)
              (i32.shl (f64.eq (local.get $sum) (f64.const 0)) (i32.const 2))))
            (local.set $p (i32.add (local.get $p) (i32.const 4)))
            (br $pins)))
        (br $boards)))
    (local.get $touched))

  (func (export "sampleWeights")
    (param $t i32) (param $end i32) (param $step i32) (param $sums i32) (param $factors i32) (param $out i32)
    (result i32)
    (local $j i32)
    (block $done
      (loop $pins
        (br_if $done (i32.ge_u (local.get $t) (local.get $end)))
        (local.set $j (i32.load (local.get $t)))
        (f64.store (local.get $out) (f64.mul
          (f64.load (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 3))))
          (f64.promote_f32 (f32.load (i32.add (local.get $factors) (i32.shl (local.get $j) (i32.const 2)))))))
        (local.set $out (i32.add (local.get $out) (i32.const 8)))
        (local.set $t (i32.add (local.get $t) (local.get $step)))
        (br $pins)))
    (local.get $out))

  ;; Writes records of 16 bytes: pin u32, 0, sum f64.
  (func (export "nearWeights")
    (param $t i32) (param $end i32) (param $sums i32) (param $factors i32) (param $least f64) (param $out i32)
    (result i32)
    (local $j i32) (local $sum f64) (local $slot i32)
    (block $done
      (loop $pins
        (br_if $done (i32.ge_u (local.get $t) (local.get $end)))
        (local.set $j (i32.load (local.get $t)))
        (local.set $slot (i32.add (local.get $sums) (i32.shl (local.get $j) (i32.const 3))))
        (local.set $sum (f64.load (local.get $slot)))
        (f64.store (local.get $slot) (f64.const 0))
        (i32.store (local.get $out) (local.get $j))
        (f64.store offset=8 (local.get $out) (local.get $sum))
        (local.set $out (i32.add (local.get $out) (i32.shl
          (f64.ge
            (f64.mul
              (local.get $sum)
              (f64.promote_f32 (f32.load (i32.add (local.get $factors) (i32.shl (local.get $j) (i32.const 2))))))
            (local.get $least))
          (i32.const 4))))
        (local.set $t (i32.add (local.get $t) (i32.const 4)))
        (br $pins)))
    (local.get $out)))
