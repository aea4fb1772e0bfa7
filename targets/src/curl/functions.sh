OUT=$(mktemp -d) || exit 1
trap 'rm -rf "$OUT"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
RUN=$(date +%s)$$
DIFFERENT=0
status() { head -n 1 "$OUT/$1" 2>/dev/null | tr -d '\r' | cut -d ' ' -f 2; }
body() { cat "$OUT/$1" 2>/dev/null | tr -d '\r' | sed '1,/^$/d'; }
fields() { body "$1" | grep -o '"[A-Za-z0-9_]*" *:' | tr -cd 'A-Za-z0-9_\n' | LC_ALL=C sort -u | tr '\n' ' '; }
# Control characters stay out of the terminal: an answer is not to move its cursor.
tell() {
  line=$(head -n 1 "$OUT/$1" 2>/dev/null | tr -d '[:cntrl:]')
  printf '%s: %s %s\n' "$1" "$line" "$(body "$1" | tr -d '[:cntrl:]' | cut -c 1-400)"
}
differs() {
  DIFFERENT=$((DIFFERENT + 1))
  printf '   differs: in the recorded run it was %s\n' "$1"
}
show() {
  tell "$1"
  found=$(status "$1")
  [ "${found:-0}" = "$2" ] || { differs "$2"; return; }
  [ $# -lt 3 ] || [ "$(fields "$1")" = "$3" ] || differs "$2, fields: $3"
}
together() {
  for step in $1; do tell "$step"; done
  found=$(for step in $1; do status "$step"; done | LC_ALL=C sort | tr '\n' ' ')
  [ "$found" = "$2" ] || differs "$2"
}
json() { grep -o "\"$2\" *: *\"[^\"]*\"" "$OUT/$1" | sed -n "$3p" | sed 's/^[^:]*: *"//; s/"$//; s#\\/#/#g'; }
attribute() { grep -o "$2=\"[^\"]*\"" "$OUT/$1" | sed -n "$3p" | sed 's/^[^"]*"//; s/"$//'; }
header() { grep -i "^$2:" "$OUT/$1" | sed -n "$3p" | tr -d '\r' | sed 's/^[^:]*: *//'; }
cookie() { grep -i "^set-cookie: *$2=" "$OUT/$1" | sed -n "$3p" | tr -d '\r' | sed 's/^[^=]*=//; s/;.*//'; }
cookie_name() { grep -i "^set-cookie: *$2[^=]*=" "$OUT/$1" | sed -n "$3p" | sed "s/^[^:]*: *$2//; s/=.*//"; }
# Percent-encoded; what is already (a cookie's value often) stays as it is.
encoded() {
  case $1 in
    *[!A-Za-z0-9._~%-]*) printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g' ;;
    *) printf %s "$1" ;;
  esac
}
ask() {
  value=$2
  tries=0
  while [ -z "$value" ] && [ -n "${MAIL:-}" ] && [ "$tries" -lt 50 ]; do
    value=$(cat "$MAIL/$1" 2>/dev/null) || sleep 0.2 2>/dev/null || sleep 1
    tries=$((tries + 1))
  done
  if [ -z "$value" ]; then
    printf '%s: ' "$3" >&2
    IFS= read -r value
  fi
  printf %s "$value"
}
