# Makes ratios to the first tool of what benchstat says in CSV, a line for each benchmark and unit.
BEGIN { FS = ","; print "As ratios:" }
/^,[a-z]+,,/ { first = $2; for (i = 2; i <= NF; i++) tools[i] = $i; next }
/^,/ { unit = $2; next }
/^Peers/ && $2 > 0 {
	printf "%-22s %-14s %s 1", $1, unit, first
	for (i = 3; i <= NF; i++) if (tools[i] != "" && $i != "") printf "  %s %.1f", tools[i], $i / $2
	print ""
}
