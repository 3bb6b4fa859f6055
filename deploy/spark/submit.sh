#!/bin/sh
# submit.sh SPARK_SUBMIT ARGUMENTS...: starts spark-submit, a path or a name on PATH; exits 127 when there is none. Driver and workers
# must have one Python: the one beside spark-submit, where pip puts both, unless PYSPARK_PYTHON names another.
submit=$(command -v -- "$1") || exit 127
shift
beside=$(dirname -- "$submit")/python3
if [ -z "$PYSPARK_PYTHON" ] && [ -x "$beside" ]; then
  export PYSPARK_PYTHON="$beside"
fi
exec "$submit" "$@"
