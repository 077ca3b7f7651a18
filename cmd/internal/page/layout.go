package page

import "slices"

// The graph is drawn in columns: each caller stands left of the services that it calls.
//
//	edges ──acyclic──> forward edges ──ranks──> columns ──dummies──> edges from column to column
//	                                                                   │
//	          places <──align── an order within each column <──sort────┘
//
// All steps go through nodes and edges in order, so equal graphs get equal places. Nodes without
// edges stand in rows below.

// Measures of the drawing, in pixels.
const (
	nodeWidth, nodeHeight = 192, 66
	gapAcross, gapDown    = 54, 18
	bendHeight, bendGap   = 2, 6 // of edges on their way through a column
	margin                = 12
	fewestColumns         = 4 // of the rows of nodes without edges
	sweeps                = 6
	mostBends             = 1000
)

// link is an edge of a graph, between nodes by their indices.
type link struct{ from, to int }

// point is a place in the drawing.
type point struct{ x, y int }

// drawing is the places of a graph. Those of nodes are their upper left corners.
type drawing struct {
	nodes         []point
	edges         [][]point // each edge's way, from the caller to the called service
	width, height int
}

// layout finds the places of n nodes and of their edges, which join different nodes.
func layout(n int, edges []link) drawing {
	l := &layering{n: n, rank: ranks(n, acyclic(n, edges))}
	l.addBends(edges)
	l.fillColumns(edges)
	l.sort()
	l.align()

	return l.draw(edges)
}

// acyclic returns the edges, those turned round that close a circle.
func acyclic(n int, edges []link) []link {
	next := neighbours(n, edges)
	const ahead, open, done = 0, 1, 2
	state := make([]int, n)
	turned := make(map[link]bool)
	type step struct{ node, edge int }
	for root := range n {
		if state[root] != ahead {
			continue
		}

		state[root] = open
		for stack := []step{{node: root}}; len(stack) > 0; {
			top := &stack[len(stack)-1]
			if top.edge == len(next[top.node]) {
				state[top.node] = done
				stack = stack[:len(stack)-1]
				continue
			}

			to := next[top.node][top.edge]
			top.edge++
			switch state[to] {
			case ahead:
				state[to] = open
				stack = append(stack, step{node: to})
			case open:
				turned[link{top.node, to}] = true
			}
		}
	}

	forward := slices.Clone(edges)
	for i, e := range edges {
		if turned[e] {
			forward[i] = link{e.to, e.from}
		}
	}

	return forward
}

// neighbours returns the nodes to which the edges of each node lead.
func neighbours(n int, edges []link) [][]int {
	next := make([][]int, n)
	for _, e := range edges {
		next[e.from] = append(next[e.from], e.to)
	}
	return next
}

// ranks returns the column of each node: one more than those of all its callers. A node without
// edges has none: -1.
func ranks(n int, forward []link) []int {
	next, waits, joined := neighbours(n, forward), make([]int, n), make([]bool, n)
	for _, e := range forward {
		waits[e.to]++
		joined[e.from], joined[e.to] = true, true
	}

	rank := make([]int, n)
	var ready []int
	for i := range n {
		switch {
		case !joined[i]:
			rank[i] = -1
		case waits[i] == 0:
			ready = append(ready, i)
		}
	}

	for len(ready) > 0 {
		from := ready[0]
		ready = ready[1:]
		for _, to := range next[from] {
			rank[to] = max(rank[to], rank[from]+1)
			if waits[to]--; waits[to] == 0 {
				ready = append(ready, to)
			}
		}
	}

	return rank
}

// layering is a graph on its way to a drawing. Its items are the nodes, and after them the bends of
// edges that go through columns.
type layering struct {
	n       int
	rank    []int   // of each item
	ways    [][]int // the items of each edge, from the left column to the right one
	columns [][]int // the items of each column, in their order
	left    [][]int // the items in the column before to which each item is joined
	right   [][]int
	y       []int // the middle of each item
}

// addBends adds an item for each column that an edge goes through. Where there are too many of
// them, edges go straight.
func (l *layering) addBends(edges []link) {
	bends := 0
	for _, e := range edges {
		bends += max(l.rank[e.from]-l.rank[e.to], l.rank[e.to]-l.rank[e.from]) - 1
	}

	for _, e := range edges {
		from, to := e.from, e.to
		if l.rank[from] > l.rank[to] {
			from, to = to, from
		}

		way := []int{from}
		for r := l.rank[from] + 1; r < l.rank[to] && bends <= mostBends; r++ {
			way = append(way, len(l.rank))
			l.rank = append(l.rank, r)
		}
		l.ways = append(l.ways, append(way, to))
	}
}

// fillColumns puts each item into its column, and joins items of columns side by side.
func (l *layering) fillColumns(edges []link) {
	items := len(l.rank)
	l.left, l.right, l.y = make([][]int, items), make([][]int, items), make([]int, items)
	if len(edges) == 0 {
		return
	}

	l.columns = make([][]int, slices.Max(l.rank)+1)
	for i, r := range l.rank {
		if r >= 0 {
			l.columns[r] = append(l.columns[r], i)
		}
	}

	for _, way := range l.ways {
		for i := 1; i < len(way); i++ {
			l.right[way[i-1]] = append(l.right[way[i-1]], way[i])
			l.left[way[i]] = append(l.left[way[i]], way[i-1])
		}
	}
}

// sort orders the items of each column by the middle of their neighbours, from left to right and
// back, so that few edges cross.
func (l *layering) sort() {
	place := make([]int, len(l.rank))
	number := func(column []int) {
		for i, item := range column {
			place[item] = i
		}
	}
	for _, column := range l.columns {
		number(column)
	}

	for sweep := range sweeps {
		for i := range l.columns {
			column, joined := l.columns[i], l.left
			if sweep%2 == 1 {
				column, joined = l.columns[len(l.columns)-1-i], l.right
			}

			weight := make(map[int]float64, len(column))
			for _, item := range column {
				weight[item] = mean(joined[item], place, place[item])
			}
			slices.SortStableFunc(column, func(a, b int) int { return compare(weight[a], weight[b]) })
			number(column)
		}
	}
}

// mean returns the mean of the values of items; without items it returns other.
func mean(items, values []int, other int) float64 {
	if len(items) == 0 {
		return float64(other)
	}

	sum := 0
	for _, i := range items {
		sum += values[i]
	}

	return float64(sum) / float64(len(items))
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// height returns the height of an item.
func (l *layering) height(item int) int {
	if item < l.n {
		return nodeHeight
	}
	return bendHeight
}

// gap returns the distance between two items of a column.
func (l *layering) gap(above, below int) int {
	if above < l.n || below < l.n {
		return gapDown
	}
	return bendGap
}

// align gives each item a height near its neighbours, and keeps the distance within a column.
func (l *layering) align() {
	for _, column := range l.columns {
		l.stack(column, func(int) float64 { return 0 })
	}

	for sweep := range sweeps {
		for i := range l.columns {
			column, joined := l.columns[i], l.left
			if sweep%2 == 1 {
				column, joined = l.columns[len(l.columns)-1-i], l.right
			}
			l.stack(column, func(item int) float64 { return mean(joined[item], l.y, l.y[item]) })
		}
	}
}

// stack puts the items of a column below each other, as near as it can to the wanted heights: each
// item at its own or under the one before, then all of them moved by the mean of the misses.
func (l *layering) stack(column []int, wanted func(item int) float64) {
	want := make([]float64, len(column))
	misses, low := 0.0, 0
	for i, item := range column {
		want[i] = wanted(item)
		middle := int(want[i])
		if half := l.height(item) / 2; i == 0 {
			low = middle + half
		} else {
			middle = max(middle, low+l.gap(column[i-1], item)+half)
			low = middle + half
		}
		l.y[item] = middle
		misses += want[i] - float64(middle)
	}

	move := int(misses / float64(max(1, len(column))))
	for _, item := range column {
		l.y[item] += move
	}
}

// draw returns the places of all nodes and edges.
func (l *layering) draw(edges []link) drawing {
	top := 0
	for _, column := range l.columns {
		for _, item := range column {
			top = min(top, l.y[item]-l.height(item)/2)
		}
	}

	d := drawing{nodes: make([]point, l.n), width: 2 * margin, height: margin}
	for r, column := range l.columns {
		for _, item := range column {
			l.y[item] += margin - top
			if item < l.n {
				d.nodes[item] = point{margin + r*(nodeWidth+gapAcross), l.y[item] - nodeHeight/2}
			}
			d.height = max(d.height, l.y[item]+l.height(item)/2+gapDown)
		}
		d.width = 2*margin + r*(nodeWidth+gapAcross) + nodeWidth
	}

	for i, e := range edges {
		d.edges = append(d.edges, l.way(l.ways[i], e))
	}

	l.drawAlone(&d)
	d.height += margin - gapDown

	return d
}

// way returns the points of an edge. At both nodes it touches the side that faces the other.
func (l *layering) way(items []int, e link) (points []point) {
	for i, item := range items {
		x := margin + l.rank[item]*(nodeWidth+gapAcross)
		if i > 0 {
			points = append(points, point{x, l.y[item]})
		}
		if i < len(items)-1 {
			points = append(points, point{x + nodeWidth, l.y[item]})
		}
	}

	if items[0] != e.from {
		slices.Reverse(points)
	}

	return points
}

// drawAlone puts the nodes without edges in rows below the others.
func (l *layering) drawAlone(d *drawing) {
	perRow := max(fewestColumns, (d.width-2*margin+gapDown)/(nodeWidth+gapDown))
	at := 0
	for i := range l.n {
		if l.rank[i] >= 0 {
			continue
		}

		column, row := at%perRow, at/perRow
		d.nodes[i] = point{margin + column*(nodeWidth+gapDown), d.height + row*(nodeHeight+gapDown)}
		d.width = max(d.width, 2*margin+column*(nodeWidth+gapDown)+nodeWidth)
		at++
	}

	if at > 0 {
		d.height += ((at + perRow - 1) / perRow) * (nodeHeight + gapDown)
	}
}
