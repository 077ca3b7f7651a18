// Tyk reads API definitions and policies as the gateway's own types do, and refuses fields that
// these do not have. It is built within a checkout of the gateway: its arguments are files.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/TykTechnologies/tyk/apidef"
	"github.com/TykTechnologies/tyk/user"
)

func main() {
	status := 0
	for _, path := range os.Args[1:] {
		var into any = &apidef.APIDefinition{}
		if strings.HasSuffix(path, "policies.json") {
			into = &map[string]user.Policy{}
		}

		text, err := os.ReadFile(path)
		if err == nil {
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			err = d.Decode(into)
		}
		if err != nil {
			fmt.Printf("%s: %v\n", path, err)
			status = 1
		}
	}

	os.Exit(status)
}
