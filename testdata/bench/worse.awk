# Lists what benchstat calls significantly more than in the first file, by more than 5 %: here more is worse, whatever the unit.
BEGIN { FS = "│" }
/vs base/ { unit = $2; gsub(/ /, "", unit) }
match($0, /\+[0-9.]+% \(p=/) && substr($0, RSTART + 1) + 0 > 5 { n++; print "worse: " unit ": " $0 }
END { if (!n) print "nothing is worse than what was kept" }
