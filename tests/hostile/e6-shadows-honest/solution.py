# E6 accepted: files beside it that are named like modules of the judge
import honest

answer = honest.answer
