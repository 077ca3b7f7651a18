package main

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

// signs are words that only one licence has, where all white space is one blank.
var signs = []struct {
	id    string // SPDX
	words []string
}{
	{"MPL-2.0", []string{"Mozilla Public License Version 2.0"}},
	{"Apache-2.0", []string{"Apache License Version 2.0, January 2004", "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"}},
	{"Apache-2.0", []string{"Licensed under the Apache License, Version 2.0"}},
	{"BSD-3-Clause", []string{"Redistributions of source code must retain", "Redistributions in binary form must reproduce", "be used to endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistributions of source code must retain", "Redistributions in binary form must reproduce"}},
	{"MIT", []string{"Permission is hereby granted, free of charge, to any person obtaining a copy", "included in all copies or substantial portions"}},
	{"ISC", []string{"Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted"}},
}

// refused are words of licences that a binary of tykmesh must not have to obey unseen.
var refused = regexp.MustCompile(`GNU (LESSER |LIBRARY |AFFERO )?GENERAL PUBLIC LICENSE|Server Side Public License|Business Source License|Commons Clause`)

var blanks = regexp.MustCompile(`[\s*#>]+`)

// licences returns the SPDX identifiers of the licences in a text.
func licences(text string) []string {
	text = blanks.ReplaceAllString(text, " ")
	var out []string
	for _, sign := range signs {
		if sign.id == "BSD-2-Clause" && slices.Contains(out, "BSD-3-Clause") {
			continue
		}
		if !slices.ContainsFunc(sign.words, func(words string) bool { return !strings.Contains(text, words) }) {
			out = append(out, sign.id)
		}
	}

	return out
}

// notices returns the notices of modules: a table of them with their licences, then each text once,
// under the names of all files that have it.
func notices(modules []module) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("This is the software that tykmesh is made of on any system, and its licences.\n")
	out.WriteString("The source of tykmesh is at https://github.com/tykmesh/tykmesh.\n\n")
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	holders, texts := map[string][]string{}, []string{}
	for _, m := range modules {
		files, ids, err := m.licensed()
		if err != nil {
			return nil, err
		}

		fmt.Fprintf(table, "%s\t%s\n", m.name, strings.Join(ids, ", "))
		for _, file := range slices.Sorted(maps.Keys(files)) {
			text := files[file]
			if holders[text] == nil {
				texts = append(texts, text)
			}
			holders[text] = append(holders[text], m.name+": "+file)
		}
	}

	if err := table.Flush(); err != nil {
		return nil, err
	}
	for _, text := range texts {
		fmt.Fprintf(&out, "\n%s\n%s\n\n%s\n", strings.Repeat("-", 80), strings.Join(holders[text], "\n"), text)
	}

	return out.Bytes(), nil
}

// licensed returns the texts of a module by their files, and its licences. Each module needs a licence
// in its root directory, which holds for all of it.
func (m module) licensed() (files map[string]string, ids []string, err error) {
	files, err = m.texts()
	if err != nil {
		return nil, nil, err
	}

	own := false
	for file, text := range files {
		if bad := refused.FindString(blanks.ReplaceAllString(text, " ")); bad != "" {
			return nil, nil, fmt.Errorf("%s: %s names the %q; ask a lawyer before tykmesh needs it", m.name, file, bad)
		}
		of := licences(text)
		own = own || len(of) > 0 && !strings.Contains(file, "/")
		ids = append(ids, of...)
	}
	if !own {
		return nil, nil, fmt.Errorf("%s: %s has no licence that notices recognises; read its licence, then add its words to signs in testdata/release/notices/text.go", m.name, m.root)
	}
	slices.Sort(ids)

	return files, slices.Compact(ids), nil
}
